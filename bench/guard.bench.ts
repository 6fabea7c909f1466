/**
 * What the guard costs: opening, executing and connecting, and a workload of git and a build, without a guard, without one
 * once more, with one outside of what it holds, and inside. In turns, with every back end that this machine can use. What
 * the second time without a guard differs from the first is what nobody can tell from chance here.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { CallerFinder } from '../apps/edge-agent/src/callers/caller-finder.ts';
import { FanotifyBackEnd } from '../apps/edge-agent/src/guard/fanotify/fanotify-back-end.ts';
import type { GuardBackEnd } from '../apps/edge-agent/src/guard/guard-back-end.ts';
import type { GuardPolicy } from '../apps/edge-agent/src/guard/guard-policy.ts';
import { LsmBackEnd } from '../apps/edge-agent/src/guard/lsm/lsm-back-end.ts';
import { NetworkBackEnd } from '../apps/edge-agent/src/guard/network/network-back-end.ts';
import { openRedirect, removeRedirects } from '../apps/edge-agent/src/guard/network/open-redirect.ts';
import { kernelObjectFile } from '../apps/edge-agent/src/kernel-object-file.ts';
import { probeCgroups } from '../apps/edge-agent/src/response/cgroup.ts';
import type { Deed } from './guard.remote.ts';
import { median, percentile, printResult, printTable } from './lib/report.ts';

const ROUNDS = 15;
const DEEDS: readonly Deed[] = ['open', 'exec', 'connect', 'workload'];
const PLACES = ['off', 'again', 'unmonitored', 'monitored'] as const;
type Place = (typeof PLACES)[number];
const GUARDED: ReadonlySet<Place> = new Set<Place>(['unmonitored', 'monitored']);

const FOLDER = `raypher-bench-${process.pid}`;
const PINS = `/sys/fs/bpf/${FOLDER}`;
const probe = probeCgroups(FOLDER);
if (process.getuid?.() !== 0 || !probe.available) {
  console.error(`Needs root and control groups: ${probe.available ? 'not root' : probe.reason}.`);
  process.exit(1);
}
const { cgroups } = probe;
const group = cgroups.create('run-bench');
const folder = mkdtempSync(join(tmpdir(), 'raypher-bench-guard-'));
const PROJECT = join(import.meta.dirname, '..', 'packages', 'policy');

/** As an organisation has it: keys, a database, shells, names. None of it is what the workload needs. */
const POLICY: GuardPolicy = {
  digest: 'bench',
  revision: 1,
  network: 'enforce',
  lists: [
    {
      layer: 'global',
      section: 'operational',
      mode: 'enforce',
      defaults: { read: 'allow', write: 'allow', delete: 'allow', execute: 'allow' },
      rules: [
        rule('keys', ['read', 'write'], ['/root/.ssh/**', '/home/*/.ssh/**', '/etc/shadow']),
        rule('names', ['read'], ['**/.env']),
        rule('database', ['write', 'delete'], [join(folder, 'production.db')]),
        { ...rule('shells', ['execute'], undefined), programs: ['zsh', 'nc', 'socat'] },
      ],
    },
  ],
};

function rule(
  id: string,
  operations: GuardPolicy['lists'][number]['rules'][number]['operations'],
  paths: readonly string[] | undefined,
) {
  return { id, verdict: 'deny' as const, operations, paths, programs: undefined, reason: 'bench' };
}

const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;

const finder = new CallerFinder();
const redirect = {
  cgroups,
  objectFile: () => kernelObjectFile('network.bpf.o'),
  pins: PINS,
  table: 'raypher-bench',
  finder,
};
const network = new NetworkBackEnd({
  cgroups,
  open: () => openRedirect(redirect),
  remove: () => removeRedirects(redirect),
  policy: {
    decide: () => {
      throw new Error('nothing here goes beyond the loopback');
    },
    mayConnect: () => false,
  },
  mode: () => 'enforce',
  identify: async () => ({ process: undefined, agent: null }),
  take: ({ client }) => client.destroy(),
  dnsServers: ['127.0.0.1:9'],
  canaryCommand: [],
  failed: (error) => console.error(error),
});
const backEnds: GuardBackEnd[] = [
  network,
  new LsmBackEnd({
    objectFile: () => kernelObjectFile('guard.bpf.o'),
    cgroupFolder: cgroups.folder,
    pinRoot: PINS,
    own: { hidden: [folder], kept: [] },
    proxyPorts: () => [port],
    isRedirected: () => true,
  }),
  new FanotifyBackEnd(cgroups),
];
const inUse: GuardBackEnd[] = [];
let denied = 0;

async function guardOn(): Promise<void> {
  inUse.length = 0;
  for (const backEnd of backEnds) {
    try {
      await backEnd.start({ denied: () => denied++, lost: () => {} });
      await backEnd.apply(group.name, POLICY);
      inUse.push(backEnd);
    } catch (error) {
      if (!unusable.has(backEnd.name)) console.log(`  ${backEnd.name} is not measured: ${error}`);
      unusable.add(backEnd.name);
    }
  }
}
const unusable = new Set<string>();

async function guardOff(): Promise<void> {
  for (const backEnd of inUse.splice(0)) await backEnd.remove();
}

type Worker = ChildProcessByStdio<Writable, Readable, null>;
const REMOTE = join(import.meta.dirname, 'guard.remote.ts');
const ENTER = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"';

async function measure(place: Place, samples: Record<Deed, number[]>): Promise<void> {
  const command = [process.execPath, REMOTE, PROJECT, String(port)];
  const worker: Worker =
    place === 'monitored'
      ? spawn('/bin/sh', ['-c', ENTER, 'sh', group.path, ...command], { stdio: ['pipe', 'pipe', 'inherit'] })
      : spawn(command[0] ?? '', command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]();
  const one = async (deed: Deed): Promise<number> => {
    worker.stdin.write(`${deed}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the worker ended during ${deed}`);
    return Number(value);
  };
  // The first of each warms caches and code.
  for (const deed of DEEDS) await one(deed);
  for (const deed of DEEDS) samples[deed].push(await one(deed));
  worker.stdin.end();
  await once(worker, 'exit');
}

const empty = (): Record<Deed, number[]> => ({ open: [], exec: [], connect: [], workload: [] });
const samples: Record<Place, Record<Deed, number[]>> = {
  off: empty(),
  again: empty(),
  unmonitored: empty(),
  monitored: empty(),
};
try {
  for (let round = 0; round < ROUNDS; round++) {
    // Another order each time, so that what a machine does on the side falls on all of them.
    const order = PLACES.map((_, index) => PLACES[(index + round) % PLACES.length] ?? 'off');
    for (const place of order) {
      if (GUARDED.has(place)) await guardOn();
      await measure(place, samples[place]);
      if (GUARDED.has(place)) await guardOff();
    }
  }
} finally {
  await guardOff();
  server.close();
  finder.close();
  group.kill();
  await group.waitEmpty(5000);
  group.remove();
  cgroups.removeFolder();
  rmSync(folder, { recursive: true, force: true });
  if (existsSync(PINS)) rmSync(PINS, { recursive: true });
}

const PER: Record<Deed, { unit: string; of: number }> = {
  open: { unit: 'µs', of: 20_000 / 1000 },
  exec: { unit: 'µs', of: 150 / 1000 },
  connect: { unit: 'µs', of: 1_000 / 1000 },
  workload: { unit: 'ms', of: 1 },
};
printTable(
  ['median (quarter to three quarters)', ...PLACES],
  DEEDS.map((deed) => [
    `${deed}, ${PER[deed].unit}`,
    ...PLACES.map((place) => {
      const values = samples[place][deed].map((value) => value / PER[deed].of);
      const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => percentile(values, share).toFixed(1));
      return `${middle} (${low}–${high})`;
    }),
  ]),
);
/** Of each round with its own: the median of what the guard made of it. */
function ratio(deed: Deed, place: Place): number {
  return median(samples[place][deed].map((value, round) => value / (samples.off[deed][round] ?? Number.NaN)));
}
printResult({
  bench: 'guard',
  figures: {
    denied,
    rounds: ROUNDS,
    ...Object.fromEntries(DEEDS.map((deed) => [`${deed}_off`, median(samples.off[deed]) / PER[deed].of])),
  },
  ratios: Object.fromEntries(
    DEEDS.flatMap((deed) => [
      [`${deed}_off_again`, ratio(deed, 'again')],
      [`${deed}_unmonitored`, ratio(deed, 'unmonitored')],
      [`${deed}_monitored`, ratio(deed, 'monitored')],
    ]),
  ),
});
process.exit(0);
