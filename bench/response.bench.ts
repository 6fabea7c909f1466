/** The emergency brake: a tree of 200 processes frozen and thawed, and a panic of a tree of 20 from order to sealed snapshot and dead. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createForensicKey } from '@raypher/vault';
import { Inventory } from '../apps/edge-agent/src/discovery/inventory.ts';
import { readStat } from '../apps/edge-agent/src/discovery/stat.ts';
import { Panic } from '../apps/edge-agent/src/panic/panic.ts';
import { PanicFolder } from '../apps/edge-agent/src/panic/panic-folder.ts';
import { type Cgroups, probeCgroups } from '../apps/edge-agent/src/response/cgroup.ts';
import { Freezer } from '../apps/edge-agent/src/response/freeze.ts';
import type { FrozenTree } from '../apps/edge-agent/src/response/frozen-tree.ts';
import { Protection } from '../apps/edge-agent/src/response/protected.ts';
import { median, percentile, printResult, printTable } from './lib/report.ts';

const FOLDER = `raypher-bench-${process.pid}`;
const ROUNDS = 15;
const PANICS = 8;
const LARGE = 200;
const SMALL = 20;

const probe = probeCgroups(FOLDER);
if (process.getuid?.() !== 0 || !probe.available) {
  console.error(`Needs root and control groups: ${probe.available ? 'not root' : probe.reason}.`);
  process.exit(1);
}
const { cgroups } = probe;
const inventory = new Inventory({ device: 'bench' });
await inventory.refresh();

interface Tree {
  child: ChildProcess;
  pid: number;
  startTime: number;
}

/** A shell and `size - 1` sleeping children of it. */
async function startTree(size: number, leaf?: string): Promise<Tree> {
  const enter = leaf === undefined ? '' : `echo $$ > ${leaf}/cgroup.procs; `;
  const script = `${enter}i=1; while [ $i -lt ${size} ]; do sleep 1000 & i=$((i + 1)); done; echo ready; wait`;
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  if (child.stdout === null || child.pid === undefined) throw new Error('the tree did not start');
  await once(child.stdout, 'data');
  return { child, pid: child.pid, startTime: readStat(child.pid)?.startTime ?? 0 };
}

function endTree({ child }: Tree): void {
  // Only ever the group that was started here: its leader is our own child, which nobody else collects.
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    process.kill(-child.pid, 'SIGKILL');
  }
}

/** An inventory that shows one AI agent, this tree, without looking at the machine. */
function inventoryOf(tree: Tree) {
  const agent = {
    id: 'bench',
    name: 'bench',
    libraries: [],
    models: [],
    evidence: ['it is measured'],
    processes: [{ pid: tree.pid, startTime: BigInt(tree.startTime) }],
  };
  // What is missing is read by nobody here.
  const current = { atMs: 0, processes: [], agents: [agent] } as unknown as Inventory['current'];
  return { current, refresh: async () => current, setFrozen: () => undefined };
}

async function measureFreeze(
  name: 'own' | 'leaf',
  size: number,
): Promise<{ freeze: number[]; thaw: number[] }> {
  const leaf = name === 'leaf' ? cgroups.create(`run-${randomUUID()}`) : undefined;
  const tree = await startTree(size, leaf?.path);
  const rows = new Map<string, FrozenTree>();
  const store = {
    load: () => [...rows.values()],
    save: (row: FrozenTree) => void rows.set(row.id, structuredClone(row)),
    remove: (id: string) => void rows.delete(id),
  };
  const all = [
    {
      id: randomUUID(),
      selector: { kind: 'all' as const },
      reason: 'bench',
      by: 'bench',
      since: new Date().toISOString(),
    },
  ];
  const freezer = new Freezer({ inventory: inventoryOf(tree), store, protection: new Protection(), cgroups });
  const times = { freeze: [] as number[], thaw: [] as number[] };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const started = performance.now();
      const report = await freezer.apply(all);
      times.freeze.push(performance.now() - started);
      if (report.frozen !== size || !report.complete)
        throw new Error(`${report.frozen} of ${size} were frozen`);
      const thawing = performance.now();
      const { thawed } = await freezer.apply([]);
      times.thaw.push(performance.now() - thawing);
      if (thawed !== size) throw new Error(`${thawed} of ${size} were thawed`);
    }
  } finally {
    endTree(tree);
    await leaf?.waitEmpty(5000);
    leaf?.remove();
  }
  return times;
}

/** What the kernel alone takes: one write to a group that holds the tree already. */
async function measureFloor(size: number): Promise<number[]> {
  const group = cgroups.create(`floor-${randomUUID()}`);
  const tree = await startTree(size, group.path);
  const times: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const started = performance.now();
      group.setFrozen(true);
      await group.waitFrozen(5000);
      times.push(performance.now() - started);
      group.setFrozen(false);
      // They must have run again, or the next freeze finds them frozen still.
      await delay(20);
    }
  } finally {
    endTree(tree);
    await group.waitEmpty(5000);
    group.remove();
  }
  return times;
}

async function measurePanic(size: number): Promise<{ whole: number[]; still: number[]; bytes: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'panic-bench-'));
  const { keyId, publicKey } = await createForensicKey('organisation');
  const panic = new Panic({
    folder: new PanicFolder(folder),
    path: folder,
    sources: {
      organisation: randomUUID(),
      device: randomUUID(),
      // The real one: a look at all processes of the machine is a part of it.
      inventory,
      entriesSince: () => [],
      connections: () => [],
      posture: () => [],
    },
    protection: new Protection(),
    cgroups,
    hold: { freeze: async () => undefined, heldBy: () => [] },
    organisationKey: () => ({ keyId, publicKey }),
    record: async () => undefined,
    note: () => undefined,
  });
  const times = { whole: [] as number[], still: [] as number[], bytes: 0 };
  try {
    for (let round = 0; round < PANICS; round += 1) {
      const tree = await startTree(size);
      try {
        const report = await panic.trigger({
          target: { kind: 'process', pid: tree.pid },
          reason: 'bench',
          by: 'bench',
          origin: 'device',
          hold: false,
          memory: false,
        });
        if (report.processes !== size || report.snapshot === null) {
          throw new Error(
            `${report.processes} of ${size} ended, ${report.snapshotFault ?? 'with a snapshot'}`,
          );
        }
        times.whole.push(report.durationMs);
        times.still.push(report.suspendedMs);
        times.bytes = report.snapshot.bytes;
      } finally {
        endTree(tree);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return times;
}

function clean(groups: Cgroups): void {
  for (const name of groups.list()) groups.open(name)?.remove();
  groups.removeFolder();
}

const floor = await measureFloor(LARGE);
const own = await measureFreeze('own', LARGE);
const leaf = await measureFreeze('leaf', LARGE);
const panic = await measurePanic(SMALL);
clean(cgroups);

const spread = (times: number[]): string[] =>
  [median(times), percentile(times, 0.9), Math.min(...times), Math.max(...times)].map((time) =>
    time.toFixed(1),
  );
printTable(
  ['what', 'median ms', 'p90', 'min', 'max'],
  [
    [`freeze ${LARGE}, kernel alone`, ...spread(floor)],
    [`freeze ${LARGE}`, ...spread(own.freeze)],
    [`freeze ${LARGE} of raypher run`, ...spread(leaf.freeze)],
    [`thaw ${LARGE}`, ...spread(own.thaw)],
    [`panic ${SMALL}: all stand still`, ...spread(panic.still)],
    [`panic ${SMALL}: sealed and dead`, ...spread(panic.whole)],
  ],
);
printResult({
  bench: 'response',
  figures: {
    freeze_200_ms: median(own.freeze),
    freeze_200_run_ms: median(leaf.freeze),
    freeze_200_floor_ms: median(floor),
    thaw_200_ms: median(own.thaw),
    panic_ms: median(panic.whole),
    panic_still_ms: median(panic.still),
    panic_snapshot_bytes: panic.bytes,
  },
  ratios: { freeze_vs_floor: median(own.freeze) / median(floor) },
});
