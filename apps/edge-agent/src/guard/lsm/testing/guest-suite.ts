import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RaypherError } from '@raypher/shared';
import { rawSystemCall } from '../../../native/raw-system-call.ts';
import { RECORD_MARK } from '../../../testing/guest/record-mark.ts';
import type { GuardDenial, GuardList, GuardPolicy } from '../../guard-policy.ts';
import { AttemptRunner } from '../../testing/attempt-runner.ts';
import { AttemptSinks } from '../../testing/attempt-sinks.ts';
import { ATTEMPTS } from '../../testing/attempts.ts';
import {
  contentOfDatabase,
  makeStageFiles,
  restoreStage,
  type Stage,
  stagePolicy,
} from '../../testing/stage.ts';
import type { LsmBackEnd } from '../lsm-back-end.ts';
import { lsmCanary } from '../lsm-canary.ts';
import type { GuardCase, GuestRecord } from './cases.ts';
import { openBackEnd, type PlainOptions } from './guard-setup.ts';
import { InsideProcess, spawnInGroup } from './inside-process.ts';

const OBJECT = '/guest/guard.bpf.o';
const HIERARCHY = '/sys/fs/cgroup';
const GROUPS = `${HIERARCHY}/raypher`;
const GROUP = 'run-suite';
const CGROUP = `${GROUPS}/${GROUP}`;
const PINS = '/sys/fs/bpf/raypher';
const INSIDE = '/guest/inside.mjs';
const PERMITTED = '127.0.1.0/24';

function tell(record: GuestRecord): void {
  process.stdout.write(`${RECORD_MARK}${JSON.stringify(record)}\n`);
}

async function check(name: GuardCase, show: () => Promise<void>): Promise<void> {
  const began = performance.now();
  const ms = (): number => Math.round(performance.now() - began);
  try {
    await show();
    tell({ kind: 'case', name, passed: true, detail: '', ms: ms() });
  } catch (error) {
    const more = error instanceof RaypherError ? JSON.stringify(error.details).slice(-1500) : '';
    const detail = (error instanceof Error ? (error.stack ?? error.message) : String(error)) + more;
    tell({ kind: 'case', name, passed: false, detail, ms: ms() });
  }
}

/** Programs of the security modules' hooks that are in the kernel. */
function countPrograms(): number {
  const attributes = Buffer.alloc(16);
  for (let count = 0; ; count++) {
    try {
      rawSystemCall('bpf', 11, attributes, attributes.length);
    } catch {
      return count;
    }
    attributes.copy(attributes, 0, 4, 8);
  }
}

/** A proxy: its port is open on all of the loopback, so it must not be one that something else here receives at. */
async function listenBeside(taken: readonly number[]): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  if (!taken.includes(port)) return port;
  const other = await listenBeside(taken);
  server.close();
  return other;
}

mkdirSync(CGROUP, { recursive: true });
const programsBefore = countPrograms();
const files = makeStageFiles('/srv/stage', '/bin/dash');
await using sinks = await AttemptSinks.open('127.0.0.9');
const sleepers: ChildProcess[] = [];
const sleeper = (): number => {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  sleepers.push(child);
  return child.pid ?? 0;
};
const listener = createServer((socket) => socket.on('error', () => {}).end()).listen(0, '0.0.0.0');
await once(listener, 'listening');
// A server that listens on a port has an address and no path.
const { port } = listener.address() as AddressInfo;
const manager = createServer((socket) => socket.on('error', () => {}).end()).listen(files.manager);
await once(manager, 'listening');
const stage: Stage = {
  ...files,
  agentPid: sleeper(),
  siblingPid: sleeper(),
  sinks: sinks.sinks,
  cgroupRoot: HIERARCHY,
  cgroup: CGROUP,
};
const proxyPort = await listenBeside([sinks.sinks.udpPort, sinks.sinks.tcpPort]);
const options: PlainOptions = {
  objectFile: OBJECT,
  cgroupFolder: GROUPS,
  own: { hidden: ['/srv/agent-data'], kept: ['/guest/agent.mjs'], starters: [] },
  processes: [stage.agentPid],
  proxyPorts: [proxyPort],
  destinations: [{ network: PERMITTED, ports: [port] }],
  lifeSignMs: 600_000,
};
mkdirSync('/srv/agent-data', { recursive: true });
const policy = stagePolicy(files);
const denials: GuardDenial[] = [];
let lost = 0;
const events = {
  denied: (denial: GuardDenial) => denials.push(denial),
  lost: (count: number) => {
    lost += count;
  },
};
const canary = lsmCanary({ cgroupFolder: GROUPS });
let backEnd: LsmBackEnd = openBackEnd({ options: { ...options, canary }, groups: [] });

/** Denials since the last time. */
function taken(): GuardDenial[] {
  // Each time it hands over so many, until there are none.
  for (let before = -1; denials.length > before; backEnd.drain()) before = denials.length;
  return denials.splice(0);
}

await check('the programs load and attach, with every hook that this kernel has', async () => {
  await backEnd.start(events);
  tell({ kind: 'kernel', release: release(), missingHooks: backEnd.missingHooks });
  strictEqual(backEnd.wasInForce, false);
  const unexpressed = await backEnd.apply(GROUP, policy);
  deepStrictEqual(
    unexpressed.map(({ rule }) => rule),
    backEnd.missingHooks,
  );
});

const inside = new InsideProcess(INSIDE, CGROUP);
await inside.ask({ do: 'count' });
taken();

await check('unmonitored processes are refused nothing, and nothing is recorded of them', async () => {
  await using outside = new InsideProcess(INSIDE);
  strictEqual((await outside.ask({ do: 'read', path: files.secret })).done, true);
  strictEqual((await outside.ask({ do: 'write', path: files.database })).done, true);
  strictEqual((await outside.ask({ do: 'execute', program: files.shell, args: ['-c', 'true'] })).done, true);
  strictEqual(
    (await outside.ask({ do: 'connect', host: '127.0.0.9', port: sinks.sinks.tcpPort })).done,
    true,
  );
  deepStrictEqual(taken(), []);
  restoreStage(files);
});

await check(
  'canaries find that files, programs, connections and the product itself are guarded',
  async () => {
    for (const capability of backEnd.capabilities) {
      const { state, reason } = await backEnd.probe(capability);
      strictEqual(state, 'enforced', `${capability}: ${reason}`);
    }
    taken();
  },
);

await check('K4: rm production.db fails and the file is intact', async () => {
  const answer = await inside.ask({ do: 'execute', program: 'rm', args: ['-f', files.database] });
  strictEqual(answer.done, false);
  strictEqual(readFileSync(files.database, 'utf8'), contentOfDatabase(files));
  const [denial] = taken();
  strictEqual(denial?.operation, 'delete');
  strictEqual(denial.target, files.database);
  strictEqual(denial.blocked, true);
  strictEqual(denial.group, GROUP);
  strictEqual(denial.processName, 'rm');
  deepStrictEqual(denial.rule, { layer: 'global', id: 'keep-database' });
});

await check(
  'K5: a forbidden shell on a socket is refused and recorded with its arguments and its tree',
  async () => {
    const script = 'exec 3<&0; exec "$0" -i < /dev/null';
    const child = spawnInGroup(CGROUP, ['/bin/sh', '-c', script, files.shell]);
    await once(child, 'exit');
    ok(child.exitCode !== 0);
    const denial = taken().find(({ operation }) => operation === 'execute');
    deepStrictEqual(denial?.rule, { layer: 'global', id: 'no-shell' });
    deepStrictEqual(denial?.arguments, [files.shell, '-i']);
    strictEqual(denial?.pid, child.pid);
    strictEqual(denial?.ancestors?.[0]?.pid, process.pid);
  },
);

await check(
  'K6: a connection to a host that is not permitted is refused, no byte arrives, it is recorded',
  async () => {
    await sinks.take();
    const answer = await inside.ask({ do: 'connect', host: '127.0.0.9', port: sinks.sinks.tcpPort });
    strictEqual(answer.done, false);
    ok(answer.because?.includes('EPERM'), answer.because);
    const [denial] = taken();
    strictEqual(denial?.operation, 'connect');
    strictEqual(denial.target, `127.0.0.9:${sinks.sinks.tcpPort}`);
    ok(!(await sinks.take()).includes(files.marker));
  },
);

await check('the proxy can be reached', async () => {
  strictEqual((await inside.ask({ do: 'connect', host: '127.0.0.1', port: proxyPort })).done, true);
  deepStrictEqual(taken(), []);
});

await check('a permitted network can be reached at its ports only', async () => {
  strictEqual((await inside.ask({ do: 'connect', host: '127.0.1.7', port })).done, true);
  strictEqual((await inside.ask({ do: 'connect', host: '127.0.2.7', port })).done, false);
  strictEqual(
    (await inside.ask({ do: 'connect', host: '127.0.1.7', port: port - 1 })).because?.includes('EPERM'),
    true,
  );
  taken();
});

await check('without a sign of life from the agent nothing but the proxy can be reached', async () => {
  const late = openBackEnd({ options: { ...options, lifeSignMs: -1000 }, groups: [] });
  await late.start(events);
  strictEqual((await inside.ask({ do: 'connect', host: '127.0.1.7', port })).done, false);
  strictEqual((await inside.ask({ do: 'connect', host: '127.0.0.1', port: proxyPort })).done, true);
  await late.stop();
  backEnd.signLife();
  strictEqual((await inside.ask({ do: 'connect', host: '127.0.1.7', port })).done, true);
  taken();
});

await check('in monitor mode the action goes on and is recorded', async () => {
  const lists = policy.lists.map((list): GuardList => ({ ...list, mode: 'monitor' }));
  await backEnd.apply(GROUP, { ...policy, network: 'monitor', lists });
  taken();
  strictEqual((await inside.ask({ do: 'read', path: files.secret })).done, true);
  strictEqual((await inside.ask({ do: 'connect', host: '127.0.0.9', port: sinks.sinks.tcpPort })).done, true);
  const seen = taken();
  deepStrictEqual(
    seen.map(({ operation, blocked }) => [operation, blocked]),
    [
      ['read', false],
      ['connect', false],
    ],
  );
  deepStrictEqual(seen[0]?.rule, { layer: 'global', id: 'no-vault' });
  await backEnd.apply(GROUP, policy);
});

await check('the first rule that matches decides, and the strictest of the lists', async () => {
  const rule = { programs: undefined, reason: '', operations: ['read'] } as const;
  const list: GuardList = {
    layer: 'global',
    section: 'operational',
    mode: 'enforce',
    defaults: { read: 'allow' },
    rules: [
      { ...rule, id: 'one', verdict: 'allow', paths: ['/srv/lists/open.txt'] },
      { ...rule, id: 'two', verdict: 'deny', paths: ['/srv/lists/**'] },
      { ...rule, id: 'three', verdict: 'allow', paths: ['/srv/lists/shut.txt'] },
    ],
  };
  const team: GuardList = {
    ...list,
    layer: 'team',
    rules: [{ ...rule, id: 'four', verdict: 'deny', paths: ['/srv/lists/open-for-some.txt'] }],
  };
  mkdirSync('/srv/lists/deep', { recursive: true });
  for (const name of ['open.txt', 'shut.txt', 'deep/below.txt']) writeFileSync(`/srv/lists/${name}`, name);
  writeFileSync('/srv/lists/open-for-some.txt', '');
  const both: GuardPolicy = {
    ...policy,
    lists: [
      {
        ...list,
        rules: [
          { ...rule, id: 'zero', verdict: 'allow', paths: ['/srv/lists/open-for-some.txt'] },
          ...list.rules,
        ],
      },
      team,
    ],
  };
  await backEnd.apply(GROUP, both);
  taken();
  const read = async (name: string): Promise<boolean> =>
    (await inside.ask({ do: 'read', path: `/srv/lists/${name}` })).done;
  deepStrictEqual(
    [
      await read('open.txt'),
      await read('shut.txt'),
      await read('deep/below.txt'),
      await read('open-for-some.txt'),
    ],
    [true, false, false, false],
  );
  deepStrictEqual(
    taken().map((denial) => denial.rule),
    [
      { layer: 'global', id: 'two' },
      { layer: 'global', id: 'two' },
      { layer: 'team', id: 'four' },
    ],
  );
  await backEnd.apply(GROUP, policy);
});

await check('beginnings and ends of names are known', async () => {
  const rule = { programs: undefined, reason: '', operations: ['read'], verdict: 'deny' } as const;
  const list: GuardList = {
    layer: 'global',
    section: 'operational',
    mode: 'enforce',
    defaults: {},
    rules: [
      { ...rule, id: 'keys', paths: ['**/*.pem', '**/id_*'] },
      { ...rule, id: 'below', paths: ['**/.ssh/**'] },
      { ...rule, id: 'children', paths: ['/srv/names/flat/*'] },
    ],
  };
  mkdirSync('/srv/names/.ssh', { recursive: true });
  mkdirSync('/srv/names/flat/more', { recursive: true });
  await backEnd.apply(GROUP, { ...policy, lists: [list] });
  const names = ['a.pem', '.pem', 'a.pem.txt', 'id_rsa', 'my_id_rsa', '.ssh/config', 'flat/x', 'flat/more/x'];
  for (const name of names) writeFileSync(`/srv/names/${name}`, name);
  const readable: string[] = [];
  for (const name of names)
    if ((await inside.ask({ do: 'read', path: `/srv/names/${name}` })).done) readable.push(name);
  deepStrictEqual(readable, ['a.pem.txt', 'my_id_rsa', 'flat/more/x']);
  await backEnd.apply(GROUP, policy);
  taken();
});

await check('a file that comes into being later at a named place is held', async () => {
  const rule = {
    id: 'later',
    programs: undefined,
    reason: '',
    operations: ['read', 'delete'],
    verdict: 'deny',
  } as const;
  const list: GuardList = {
    layer: 'global',
    section: 'operational',
    mode: 'enforce',
    defaults: {},
    rules: [{ ...rule, paths: ['/srv/later.txt', '/srv/later/deep.txt'] }],
  };
  const notes = await backEnd.apply(GROUP, { ...policy, lists: [list] });
  deepStrictEqual(
    notes.map(({ rule: id }) => id),
    [...['later'], ...backEnd.missingHooks],
  );
  mkdirSync('/srv/later');
  for (const path of ['/srv/later.txt', '/srv/later/deep.txt']) writeFileSync(path, 'x');
  strictEqual((await inside.ask({ do: 'read', path: '/srv/later.txt' })).done, false);
  strictEqual((await inside.ask({ do: 'read', path: '/srv/later/deep.txt' })).done, true);
  await backEnd.resolveAgain();
  strictEqual((await inside.ask({ do: 'read', path: '/srv/later/deep.txt' })).done, false);
  await backEnd.apply(GROUP, policy);
  taken();
});

await check('a process that is moved to another group keeps its rules', async () => {
  mkdirSync(`${GROUPS}/held-suite`, { recursive: true });
  await using moved = new InsideProcess(INSIDE, CGROUP);
  strictEqual((await moved.ask({ do: 'read', path: files.secret })).done, false);
  writeFileSync(`${GROUPS}/held-suite/cgroup.procs`, String(moved.child.pid));
  strictEqual((await moved.ask({ do: 'read', path: files.secret })).done, false);
  writeFileSync(`${HIERARCHY}/cgroup.procs`, String(moved.child.pid));
  strictEqual((await moved.ask({ do: 'read', path: files.secret })).done, false);
  taken();
});

const hammer = new InsideProcess(INSIDE, CGROUP);
await hammer.ask({ do: 'hammer', path: files.secret });
async function expectNoSuccess(): Promise<void> {
  const { tries = 0, successes } = await hammer.ask({ do: 'count' });
  ok(tries > 0);
  strictEqual(successes, 0);
}

await check(
  'a new policy holds for processes that run already, with no gap while it is replaced',
  async () => {
    const extended = { ...policy, digest: 'f'.repeat(64) };
    for (let round = 0; round < 10; round++) {
      await backEnd.apply(GROUP, round % 2 === 0 ? extended : policy);
      await delay(1);
    }
    await expectNoSuccess();
    await backEnd.apply(GROUP, { ...policy, lists: [] });
    strictEqual((await inside.ask({ do: 'read', path: files.dotEnv })).done, true);
    await backEnd.apply(GROUP, policy);
    strictEqual((await inside.ask({ do: 'read', path: files.dotEnv })).done, false);
  },
);
hammer.child.kill('SIGKILL');
await once(hammer.child, 'exit');

await check('what could not be handed over is counted', async () => {
  taken();
  lost = 0;
  await backEnd.stop();
  const times = 1500;
  await inside.ask({ do: 'read-many', path: files.secret, times });
  backEnd = openBackEnd({ options, groups: [] });
  await backEnd.start(events);
  const received = taken().length;
  ok(lost > 0, `received ${received}, lost ${lost}`);
  strictEqual(received + lost, times);
  await backEnd.apply(GROUP, policy);
});

const attemptProcess = (): ChildProcess => spawnInGroup(CGROUP, [process.execPath, '/guest/attempt.mjs']);
{
  const pins = { folder: join(PINS, readdirSync(PINS)[0] ?? ''), mount: '/sys/fs/bpf' };
  await using runner = new AttemptRunner({
    stage: { ...stage, pins },
    start: attemptProcess,
    received: () => sinks.take(),
  });
  for (const attempt of ATTEMPTS) {
    tell({ kind: 'attempt', outcome: await runner.run(attempt) });
  }
}
await backEnd.apply(GROUP, policy);
await backEnd.stop();

await check('an agent killed -9 leaves its rules in force', async () => {
  writeFileSync('/tmp/setup.json', JSON.stringify({ options, groups: [{ group: GROUP, policy }] }));
  const agent = spawn(process.execPath, ['/guest/agent.mjs', '/tmp/setup.json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(agent, 'exit').then(([code]) => {
    throw new Error(`the agent ended with ${code}`);
  });
  await Promise.race([once(agent.stdout, 'data'), ended]);
  ended.catch(() => {});
  agent.kill('SIGKILL');
  await once(agent, 'exit');
  strictEqual((await inside.ask({ do: 'read', path: files.secret })).done, false);
  strictEqual((await inside.ask({ do: 'remove', path: files.database })).done, false);
});

const second = new InsideProcess(INSIDE, CGROUP);
await second.ask({ do: 'hammer', path: files.secret });
async function expectNoneFromSecond(): Promise<void> {
  const { tries = 0, successes } = await second.ask({ do: 'count' });
  ok(tries > 0);
  strictEqual(successes, 0);
}

await check('an agent that starts again takes over without a gap', async () => {
  backEnd = openBackEnd({ options, groups: [] });
  await backEnd.start(events);
  strictEqual(backEnd.wasInForce, true);
  await expectNoneFromSecond();
  await backEnd.apply(GROUP, policy);
  await expectNoneFromSecond();
});

await check('other versions of the programs take over without a gap', async () => {
  await backEnd.stop();
  copyFileSync(OBJECT, '/tmp/other.bpf.o');
  appendFileSync('/tmp/other.bpf.o', 'another version');
  backEnd = openBackEnd({ options: { ...options, objectFile: '/tmp/other.bpf.o' }, groups: [] });
  await backEnd.start(events);
  strictEqual(backEnd.wasInForce, false);
  strictEqual(readdirSync(PINS).length, 1);
  await expectNoneFromSecond();
  strictEqual((await inside.ask({ do: 'remove', path: files.database })).done, false);
});

await check('removal leaves no program, no map and no pin', async () => {
  second.child.kill('SIGKILL');
  await backEnd.remove();
  strictEqual(existsSync(PINS), false);
  // The kernel frees programs once nobody can be in them any more.
  for (let round = 0; round < 1200 && countPrograms() > programsBefore; round++) await delay(50);
  strictEqual(countPrograms(), programsBefore);
  strictEqual((await inside.ask({ do: 'read', path: files.secret })).done, true);
});
process.exit(0);
