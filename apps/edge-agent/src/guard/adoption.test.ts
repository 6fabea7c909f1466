import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AiAgent } from '@raypher/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Inventory } from '../discovery/inventory.ts';
import { ProcessScanner, readCgroup } from '../discovery/scan.ts';
import { readStat } from '../discovery/stat.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { type Cgroup, type Cgroups, probeCgroups } from '../response/cgroup.ts';
import { Freezer } from '../response/freeze.ts';
import { Protection } from '../response/protected.ts';
import {
  BUSY_SCRIPT,
  HOPPING_SCRIPT,
  Stage,
  type Started,
  until,
  untilTicksAdvance,
  withoutRoot,
} from '../response/spawned.test-support.ts';
import { AdoptedAgents } from '../store/adopted-agents.ts';
import { openDatabase } from '../store/database.ts';
import { FrozenTrees } from '../store/frozen-trees.ts';
import { OUTLIVING_SCRIPT, PYTHON } from '../testing/python.ts';
import { Adoption, type AdoptionOptions } from './adoption.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

const probe = probeCgroups(`raypher-test-probe-${process.pid}`);
if (probe.available) probe.cgroups.removeFolder();
const missing = withoutRoot ?? (probe.available ? undefined : probe.reason);
if (missing !== undefined) console.warn(`adoption: ${missing}`);

/** The only controller of this hierarchy that every machine leaves unused. */
const HUGETLB = 'hugetlb.2MB.max';
const withoutHugetlb =
  missing ??
  (probe.available && readFileSync(join(probe.cgroups.root, 'cgroup.controllers'), 'utf8').includes('hugetlb')
    ? undefined
    : 'control groups have no hugetlb controller here to set limits of');
if (withoutHugetlb !== undefined) console.warn(`adoption with limits: ${withoutHugetlb}`);

/** Lets groups in the folder have limits. @returns how to undo it, once the folders are gone */
function enableHugetlb(cgroups: Cgroups): () => void {
  mkdirSync(cgroups.folder, { recursive: true });
  const control = join(cgroups.root, 'cgroup.subtree_control');
  const wasEnabled = readFileSync(control, 'utf8').includes('hugetlb');
  if (!wasEnabled) writeFileSync(control, '+hugetlb');
  writeFileSync(join(cgroups.folder, 'cgroup.subtree_control'), '+hugetlb');
  return () => {
    if (!wasEnabled) writeFileSync(control, '-hugetlb');
  };
}

const fail = (error: unknown) => {
  throw error;
};

describe.skipIf(missing !== undefined)('adoption', () => {
  let stage: Stage;
  let cgroups: Cgroups;
  /** Of all tests: it hashes the programs of this machine once. */
  const scanner = new ProcessScanner();
  /** Groups of others, where AI agents are before. */
  let homes: Cgroups;
  let inventory: Inventory;
  let freezer: Freezer;
  let events: EventDraft[];
  let library: string;
  let db: ReturnType<typeof openDatabase>['db'];
  let adoption: Adoption;
  let undo = (): void => {};

  beforeEach(() => {
    stage = new Stage();
    cgroups = stage.cgroups();
    const others = probeCgroups(`${stage.cgroupFolder}-homes`);
    if (!others.available) throw new Error(others.reason);
    homes = others.cgroups;
    inventory = new Inventory({ device: randomUUID(), scanner, hashBudgetMs: 20_000 });
    ({ db } = openDatabase(join(stage.directory, 'store/agent.db')));
    freezer = new Freezer({
      inventory,
      store: new FrozenTrees(db, fail),
      protection: new Protection(),
      cgroups,
    });
    events = [];
    library = `stage-${randomUUID()}`;
    adoption = open();
  });
  afterEach(async () => {
    await stage.end();
    for (const name of homes.list()) {
      const home = homes.open(name);
      home?.kill();
      await until(`nobody is left in ${name}`, () => home?.remove() !== false);
    }
    homes.removeFolder();
    undo();
    undo = () => {};
    db.close();
  });

  function open(govern?: AdoptionOptions['govern']): Adoption {
    return new Adoption({
      cgroups,
      store: new AdoptedAgents(db, fail),
      protection: new Protection(),
      freezer,
      record: (event) => events.push(event),
      ...(govern === undefined ? {} : { govern }),
    });
  }

  function startBot(source = BUSY_SCRIPT, prefix: readonly string[] = []): Promise<Started> {
    stage.write('bot/package.json', JSON.stringify({ dependencies: { langchain: '1', [library]: '1' } }));
    const [command = '', ...parameters] = [...prefix, process.execPath, stage.write('bot/bot.mjs', source)];
    return stage.start(command, parameters);
  }

  /** The AI agents of this test, as discovery sees them. */
  async function agents(): Promise<AiAgent[]> {
    const { agents } = await inventory.refresh();
    return agents.filter(({ libraries }) => libraries.includes(library));
  }

  async function agent(): Promise<AiAgent> {
    let found: AiAgent | undefined;
    await until('the AI agent is discovered', async () => {
      [found] = await agents();
      return found !== undefined;
    });
    if (found === undefined) throw new Error('not discovered');
    return found;
  }

  const groupOf = (pid: number) => readCgroup(pid);
  const leafOf = (found: AiAgent) => cgroups.pathOf(adoption.groupOf(found.id) ?? 'none');
  const types = () => events.map(({ type }) => type);
  const runs = (one: { pid: number }) => untilTicksAdvance(one, 2);

  it('moves the whole tree, lets it run on, and returns each to where it was', async () => {
    const home = homes.create('home');
    const other = homes.create('other');
    const bot = await startBot(
      `import { spawn } from 'node:child_process';
       const child = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
       const daemon = spawn('setsid', ['sh', '-c', 'while :; do :; done'], { stdio: 'ignore' });
       console.log(child.pid, daemon.pid); setInterval(() => {}, 1000);`,
    );
    const [child = 0, daemon = 0] = bot.firstLine.split(' ').map(Number);
    home.add(bot.pid);
    home.add(daemon);
    other.add(child);
    const neighbour = await stage.start(process.execPath, [stage.write('plain/main.mjs', BUSY_SCRIPT)]);
    const neighbours = groupOf(neighbour.pid);
    const found = await agent();
    const groups: string[] = [];
    adoption.on('group', (group, id) => groups.push(`${group} ${id}`));
    adoption.on('gone', (group) => groups.push(`${group} gone`));

    await adoption.sweep([found]);

    const leaf = leafOf(found);
    expect([bot.pid, child, daemon].map(groupOf)).toEqual([leaf, leaf, leaf]);
    expect(groupOf(neighbour.pid)).toBe(neighbours);
    for (const pid of [child, daemon]) await runs({ pid });
    expect(events).toMatchObject([
      {
        type: 'guard.adopted',
        target: 'bot.mjs',
        data: { processes: 3, from: [homes.pathOf('home'), homes.pathOf('other')] },
      },
    ]);

    const group = adoption.groupOf(found.id);
    await adoption.release(found.id, 'test');
    expect([bot.pid, child, daemon].map(groupOf)).toEqual(
      ['home', 'other', 'home'].map((name) => homes.pathOf(name)),
    );
    for (const pid of [child, daemon]) await runs({ pid });
    expect(cgroups.list()).toEqual([]);
    expect(new AdoptedAgents(db, fail).load()).toEqual([]);
    expect(types()).toEqual(['guard.adopted', 'guard.released']);
    expect(groups).toEqual([`${group} ${found.id}`, `${group} gone`]);
  });

  it('loses no child of a tree that forks all the while', async () => {
    const bot = await startBot(
      `import { spawn } from 'node:child_process';
       import { writeFileSync } from 'node:fs';
       const shell = spawn('sh', ['-c', 'i=0; while [ $i -lt 300 ]; do setsid sleep 1000 & i=$((i+1)); done; echo all; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
       shell.stdout.once('data', () => writeFileSync(new URL('all', import.meta.url), ''));
       console.log(shell.pid);`,
    );
    const found = await agent();
    await adoption.sweep([found]);
    await until('all are there', () => existsSync(join(stage.directory, 'bot/all')));
    const shell = Number(bot.firstLine);
    const children = readdirSync('/proc')
      .map((name) => readStat(Number(name)))
      .filter((stat) => stat?.ppid === shell);
    expect(children).toHaveLength(300);
    expect(new Set(children.map((stat) => groupOf(stat?.pid ?? 0)))).toEqual(new Set([leafOf(found)]));
  });

  it('gives the rules to the group before anybody in it runs again', async () => {
    const bot = await startBot();
    const seen: string[] = [];
    adoption = open(async (group) => {
      const leaf = cgroups.open(group);
      seen.push(`${await leaf?.waitFrozen(20_000)} ${leaf?.pids().includes(bot.pid)}`);
    });
    await adoption.sweep([await agent()]);
    expect(seen).toEqual(['true true']);
    await runs(bot);
  });

  it('lets nobody stand still when the rules cannot be given', async () => {
    const bot = await startBot();
    adoption = open(() => Promise.reject(new Error('no room')));
    const found = await agent();
    await expect(adoption.sweep([found])).rejects.toThrow('no room');
    expect(groupOf(bot.pid)).toBe(leafOf(found));
    await runs(bot);
  });

  it('takes in what came to the AI agent since, and asks nothing about the rest', async () => {
    const first = await startBot();
    await adoption.sweep([await agent()]);
    const second = await startBot();
    await until('it is discovered', async () => (await agent()).processes.length === 2);
    const found = await agent();
    expect(groupOf(second.pid)).not.toBe(leafOf(found));
    await adoption.sweep([found]);
    expect([first, second].map(({ pid }) => groupOf(pid))).toEqual([leafOf(found), leafOf(found)]);
    await adoption.sweep([found], { again: true });
    expect(types()).toEqual(['guard.adopted', 'guard.adopted']);
  });

  it('takes in what goes on without its first thread, and gives it back', async () => {
    stage.write('bot/requirements.txt', `langchain\n${library}\n`);
    const bot = await stage.start(PYTHON, [stage.write('bot/bot.py', OUTLIVING_SCRIPT)]);
    const home = homes.create('home');
    home.add(bot.pid);
    const found = await agent();
    const governed: number[] = [];
    adoption = open(async (_, members) => governed.push(...members.map(({ pid }) => pid)));

    await adoption.sweep([found]);

    expect(readCgroup(bot.pid)).toBe(leafOf(found));
    expect(governed).toEqual([bot.pid]);
    await adoption.sweep([found], { again: true });
    expect(types()).toEqual(['guard.adopted']);

    await adoption.releaseAll('the guard was turned off');
    expect(readCgroup(bot.pid)).toBe(homes.pathOf('home'));
    await runs(bot);
    expect(cgroups.list()).toEqual([]);
  });

  it('leaves what raypher run started in its group', async () => {
    const run = cgroups.create('run-1');
    const bot = await startBot();
    run.add(bot.pid);
    const found = await agent();
    await adoption.sweep([found]);
    expect(groupOf(bot.pid)).toBe(cgroups.pathOf('run-1'));
    expect([adoption.groupOf(found.id), events]).toEqual([undefined, []]);
  });

  it('removes the group of an AI agent that ended', async () => {
    const bot = await startBot();
    const found = await agent();
    await adoption.sweep([found]);
    bot.child.kill('SIGKILL');
    await once(bot.child, 'exit');
    await adoption.sweep(await agents());
    expect([cgroups.list(), adoption.groupOf(found.id)]).toEqual([[], undefined]);
  });

  it('keeps the group as long as somebody is in it, though too quick to be seen', async () => {
    const home = homes.create('home');
    const bot = await startBot();
    home.add(bot.pid);
    const found = await agent();
    await adoption.sweep([found]);
    const group = cgroups.open(adoption.groupOf(found.id) ?? '');
    const door = group?.path ?? '';
    // As the AI agent would start it: born in the group.
    const hopper = await stage.start('sh', [
      '-c',
      `echo $$ > ${door}/cgroup.procs; exec "$0" "$1"`,
      PYTHON,
      stage.write('hop.py', HOPPING_SCRIPT),
    ]);
    stage.write('hop', '');
    await once(hopper.child, 'exit');
    bot.child.kill('SIGKILL');
    await once(bot.child, 'exit');
    await adoption.sweep([]);
    expect([group?.isEmpty(), home.isEmpty()]).toEqual([false, true]);
    group?.kill();
    await until('nobody is left in it', () => group?.isEmpty() === true);
    await adoption.sweep([]);
    expect([cgroups.list(), adoption.groupOf(found.id)]).toEqual([[], undefined]);
  });

  it('a freeze of the AI agent holds what it gave another parent', async () => {
    stage.write('py/requirements.txt', `langchain\n${library}\n`);
    const clone = process.arch === 'arm64' ? 220 : 56;
    const source = `import ctypes, os, time
print('ready', flush=True)
while not os.path.exists('go'): time.sleep(0.01)
CLONE_PARENT, SIGCHLD = 0x8000, 17
pid = ctypes.CDLL(None).syscall(${clone}, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0)
if pid == 0: os.execve('/bin/sh', ['sh', '-c', 'while :; do :; done'], {})
print(pid, flush=True)
time.sleep(1000)
`;
    const bot = await stage.start(PYTHON, [stage.write('py/bot.py', source)]);
    const found = await agent();
    await adoption.sweep([found]);
    stage.write('go', '');
    const [line] = await once(bot.child.stdout ?? process.stdin, 'data');
    const pid = Number(String(line));
    await runs({ pid });
    expect(readStat(pid)?.ppid).toBe(process.pid);
    expect((await agent()).processes.map((one) => one.pid)).toEqual([bot.pid]);

    expect(await freezer.apply(freeze())).toMatchObject({ frozen: 2, complete: true });
    expect(cgroups.nameOf(groupOf(pid))).toMatch(/^held-/);
    await freezer.apply([]);
    expect([groupOf(pid), groupOf(bot.pid)]).toEqual([leafOf(found), leafOf(found)]);
    await runs({ pid });
  });

  const freeze = () => [
    {
      id: randomUUID(),
      selector: { kind: 'library' as const, name: library },
      reason: '',
      by: '',
      since: '2026-11-20T10:00:00.000Z',
    },
  ];

  it('what is frozen and thawed returns to its adopted group', async () => {
    const bot = await startBot();
    const found = await agent();
    await adoption.sweep([found]);
    expect(await freezer.apply(freeze())).toMatchObject({ complete: true, frozen: 1 });
    await adoption.sweep(await agents(), { again: true });
    expect(groupOf(bot.pid)).toMatch(/\/held-/);
    await freezer.apply([]);
    expect(groupOf(bot.pid)).toBe(leafOf(found));
    await runs(bot);
  });

  it('what is frozen already is not touched, and comes to its adopted group when it is thawed', async () => {
    const home = homes.create('home');
    const bot = await startBot();
    home.add(bot.pid);
    await agent();
    await freezer.apply(freeze());
    const found = await agent();
    await adoption.sweep([found]);
    expect(groupOf(bot.pid)).toMatch(/\/held-/);
    await freezer.apply([]);
    expect(groupOf(bot.pid)).toBe(leafOf(found));
    await adoption.release(found.id, 'test');
    expect(groupOf(bot.pid)).toBe(homes.pathOf('home'));
  });

  it('what is released while it is frozen returns to where it was before both', async () => {
    const home = homes.create('home');
    const bot = await startBot();
    home.add(bot.pid);
    const found = await agent();
    await adoption.sweep([found]);
    await freezer.apply(freeze());
    await adoption.release(found.id, 'test');
    expect(groupOf(bot.pid)).toMatch(/\/held-/);
    await freezer.apply([]);
    expect(groupOf(bot.pid)).toBe(homes.pathOf('home'));
    expect(cgroups.list()).toEqual([]);
  });

  it('a restarted agent knows what is adopted, and thaws what the last one left standing', async () => {
    const home = homes.create('home');
    const bot = await startBot();
    home.add(bot.pid);
    const found = await agent();
    await adoption.sweep([found]);
    // As after SIGKILL in the middle of a move.
    cgroups.open(adoption.groupOf(found.id) ?? '')?.setFrozen(true);
    adoption = open();
    await adoption.resume();
    await runs(bot);
    expect(groupOf(bot.pid)).toBe(leafOf(found));
    await adoption.releaseAll('test');
    expect(groupOf(bot.pid)).toBe(homes.pathOf('home'));
  });

  it('a group that nobody remembers is dissolved, and nobody in it stands still', async () => {
    const bot = await startBot();
    const stray = cgroups.create('adopted-stray');
    stray.setFrozen(true);
    stray.add(bot.pid);
    await adoption.resume();
    expect(groupOf(bot.pid)).toBe(cgroups.pathOf('adopted-stray'));
    await adoption.dissolveStrays();
    await runs(bot);
    expect(cgroups.list()).toEqual([]);
    expect(types()).toEqual(['guard.released']);
  });

  it('says where a process went whose own group is gone', async () => {
    const home = homes.create('home');
    const bot = await startBot();
    home.add(bot.pid);
    const found = await agent();
    await adoption.sweep([found]);
    expect(home.remove()).toBe(true);
    await adoption.release(found.id, 'test');
    expect(groupOf(bot.pid)).toBe(homes.pathOf('').replace(/\/$/, ''));
    homes.moveTo('/', bot.pid);
    expect(events[1]).toMatchObject({
      severity: 'warning',
      data: { displaced: [expect.stringContaining('home is gone')] },
    });
  });

  describe('what stays where it is, with the reason', () => {
    it('this agent itself', async () => {
      const before = groupOf(process.pid);
      const { pid, startTime = 0 } = { ...readStat(process.pid), pid: process.pid };
      const own = { ...(await fakeOf()), processes: [{ pid, startTime: BigInt(startTime) }] };
      await adoption.adopt(own as AiAgent);
      expect(groupOf(process.pid)).toBe(before);
      expect(reasons()).toEqual(['it is the Raypher agent itself']);
      // There is one only for what other tests in this process have left running.
      for (const name of cgroups.list()) expect(cgroups.open(name)?.pids()).not.toContain(process.pid);
    });

    it('a container, but not what an AI agent shut in beside itself', async () => {
      const container = homes.create('container');
      const shared = homes.create('shared');
      const bot = await startBot(BUSY_SCRIPT, ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']);
      const inner = (await agent()).processes.find(({ pid }) => pid !== bot.pid)?.pid ?? 0;
      container.add(inner);
      const found = { ...(await agent()) };
      found.processes = found.processes.filter(({ pid }) => pid === inner);
      await adoption.adopt(found);
      expect(groupOf(inner)).toBe(homes.pathOf('container'));
      expect(reasons()).toEqual([expect.stringContaining('it runs in a container')]);

      const plain = await startBot();
      shared.add(plain.pid);
      shared.add(inner);
      await until('both are discovered', async () =>
        (await agent()).processes.some(({ pid }) => pid === plain.pid),
      );
      const both = await agent();
      both.processes = both.processes.filter(({ pid }) => pid === inner || pid === plain.pid);
      await adoption.adopt(both);
      expect([inner, plain.pid].map(groupOf)).toEqual([leafOf(both), leafOf(both)]);
    });

    it('but not who shut itself in, when somebody outside is in the same group', async () => {
      const session = homes.create('session');
      const bot = await startBot(BUSY_SCRIPT, ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']);
      const found = await agent();
      const inner = found.processes.find(({ pid }) => pid !== bot.pid)?.pid ?? 0;
      // The AI agent is only what runs inside: what shut it in is one of everybody's programs.
      found.processes = found.processes.filter(({ pid }) => pid === inner);
      for (const pid of [bot.pid, inner]) session.add(pid);
      await adoption.adopt(found);
      expect([groupOf(inner), reasons()]).toEqual([leafOf(found), []]);
    });

    it.skipIf(withoutHugetlb !== undefined)(
      'one whose group has other limits than the first; those of the first hold in its new group',
      async () => {
        undo = enableHugetlb(homes);
        const [narrow, wide] = [homes.create('narrow'), homes.create('wide')];
        writeFileSync(join(narrow.path, HUGETLB), '4194304');
        const first = await startBot();
        narrow.add(first.pid);
        const second = await startBot();
        wide.add(second.pid);
        await until('both are discovered', async () => (await agent()).processes.length === 2);
        const found = await agent();
        await adoption.sweep([found]);

        expect(groupOf(first.pid)).toBe(leafOf(found));
        const leaf = cgroups.open(adoption.groupOf(found.id) ?? '');
        expect(readFileSync(join(leaf?.path ?? '', HUGETLB), 'utf8').trim()).toBe('4194304');
        expect(groupOf(second.pid)).toBe(homes.pathOf('wide'));
        expect(reasons()).toEqual([expect.stringContaining('has other limits than')]);
        await adoption.release(found.id, 'test');
        for (const [bot, group] of [
          [first, narrow],
          [second, wide],
        ] as const)
          await emptied(group, bot);
      },
    );

    it('one in a group of threads', async () => {
      const parent = homes.create('domain');
      const threaded = homes.create('domain/threaded');
      writeFileSync(join(threaded.path, 'cgroup.type'), 'threaded');
      const bot = await startBot();
      // A threaded group takes processes of its own domain only.
      parent.add(bot.pid);
      threaded.add(bot.pid);
      await adoption.adopt(await agent());
      expect(groupOf(bot.pid)).toBe(homes.pathOf('domain/threaded'));
      expect(reasons()).toEqual([expect.stringContaining('is of the kind "threaded"')]);
      await emptied(threaded, bot);
    });

    it('where control groups cannot be used, all', async () => {
      await startBot();
      cgroups = undefined as unknown as Cgroups;
      adoption = open();
      const found = await agent();
      await adoption.sweep([found]);
      await adoption.sweep([found], { again: true });
      expect(reasons()).toEqual(['control groups (cgroup v2) cannot be used here']);
    });
  });

  const reasons = () =>
    events.filter(({ type }) => type === 'guard.not-adopted').map(({ data }) => data.reason);

  async function emptied(group: Cgroup, bot: Started): Promise<void> {
    bot.child.kill('SIGKILL');
    await once(bot.child, 'exit');
    await until('the group is removed', () => group.remove());
  }

  async function fakeOf(): Promise<AiAgent> {
    const bot = await startBot();
    const found = await agent();
    // Until it is collected it is a process below this one.
    const ended = once(bot.child, 'exit');
    bot.child.kill('SIGKILL');
    await ended;
    return found;
  }
});
