import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RaypherError } from '@raypher/shared';
import { errorCode } from '../discovery/procfs.ts';
import { readCgroup } from '../discovery/scan.ts';
import {
  hasEnded,
  isAlive,
  type ProcessStat,
  processKey,
  readAllStats,
  readStat,
} from '../discovery/stat.ts';
import type { SignalName } from '../native/libc.ts';
import type { Cgroup, Cgroups } from './cgroup.ts';
import { atHighestPriority } from './priority.ts';
import type { Protection } from './protected.ts';
import { type SeverReport, severConnections } from './sever.ts';
import { signalProcess } from './signal.ts';
import { leavesFirst, type ProcessRef, ProcessTree, referTo, type TreeMember } from './tree.ts';

export interface EndOptions {
  protection: Protection;
  /** Undefined: processes are stopped by signal. */
  cgroups: Cgroups | undefined;
  /** For all trees together, milliseconds. */
  timeoutMs?: number;
  /** Control groups that hold nothing but what is to be ended. */
  groups?: readonly Cgroup[];
  /** Control group that holds them meanwhile; one that is there is used again. */
  groupName?: string;
  /** Once the trees stand still, before anything is taken from them. */
  suspended?: (members: readonly TreeMember[]) => Promise<void>;
}

export interface KillOptions extends EndOptions {
  /** Start time that the caller saw; another one means that the pid was reused. */
  startTime?: number;
}

export interface EndReport extends SeverReport {
  method: 'cgroup' | 'signal';
  killed: (ProcessRef & { name: string })[];
  /** Members left out, with the reason. */
  spared: (ProcessRef & { name: string; reason: string })[];
  /** Still alive at the end of the time; empty when the tree is dead. */
  survivors: ProcessRef[];
  durationMs: number;
}

export interface KillReport extends EndReport {
  root: ProcessRef & { name: string };
}

/** Passes without a new member before a tree counts as standing still. */
const QUIET_PASSES = 2;
/** How long the ended ones may take to leave their control group. */
const LEAVE_MS = 200;

/**
 * Ends a process with everything that stems from it, so that nothing of it survives or forks away meanwhile:
 * suspend the tree, gather it until nobody new turns up, end its connections, kill it from the leaves through process
 * handles, and look again until no member is left.
 *
 * @throws RaypherError `process/gone`, `process/protected`, `process/permission`
 */
export async function killTree(pid: number, options: KillOptions): Promise<KillReport> {
  const root = killable(pid, options);
  return { root, ...(await endTrees([root], options)) };
}

/**
 * The process that is meant, when it may be killed.
 *
 * @throws RaypherError `process/gone`, `process/protected`, `process/permission`
 */
export function killable(
  pid: number,
  { protection, startTime }: Pick<KillOptions, 'protection' | 'startTime'>,
): ProcessRef & { name: string } {
  protection.assertTarget(pid, 'kill');
  const root = referTo(pid);
  const gone = (why: string): RaypherError =>
    new RaypherError('process/gone', `Process ${pid} ${why}.`, { details: { pid } });
  if (root === undefined) throw gone('does not exist (any more)');
  if (startTime !== undefined && startTime !== root.startTime) throw gone('is another process by now');
  // Nothing is touched when this user may not end the root. The ids of threads end here too.
  if (!signalProcess(root, 'probe')) throw gone('has just ended, or is a thread of another process');
  return root;
}

/** {@link killTree} for several processes at once, which the caller has chosen well. */
export function endTrees(roots: readonly ProcessRef[], options: EndOptions): Promise<EndReport> {
  return atHighestPriority(() => endAll(roots, options));
}

async function endAll(roots: readonly ProcessRef[], options: EndOptions): Promise<EndReport> {
  const started = performance.now();
  const deadline = started + (options.timeoutMs ?? 10_000);
  const work = new Kill(roots, options);
  const cut: SeverReport = { severed: 0, connections: [], notSevered: [] };
  try {
    let isFirst = true;
    do {
      const members = await work.gather(deadline);
      if (isFirst) await options.suspended?.(members);
      isFirst = false;
      add(cut, severConnections(members.map(({ pid }) => pid)));
      await work.kill(deadline);
    } while (work.remaining().length > 0 && performance.now() < deadline);
  } finally {
    await work.close();
  }
  const survivors = work.remaining().map(({ pid, startTime }) => ({ pid, startTime }));
  return { ...work.result(), ...cut, survivors, durationMs: performance.now() - started };
}

function add(total: SeverReport, more: SeverReport): void {
  total.severed += more.severed;
  total.connections = [...total.connections, ...more.connections].slice(0, 64);
  total.notSevered = [...new Set([...total.notSevered, ...more.notSevered])];
}

class Kill {
  readonly #tree: ProcessTree;
  readonly #protection: Protection;
  /** Those of `raypher run` and adoption, which hold nothing but a tree: freezing one stops all of it at once, forks included. */
  readonly #leaves: Cgroup[];
  /** For whoever is in none of them. */
  readonly #group: Cgroup | undefined;
  readonly #stopped = new Map<string, TreeMember>();
  readonly #spared = new Map<string, EndReport['spared'][number]>();

  constructor(roots: readonly ProcessRef[], { protection, cgroups, groupName, groups = [] }: EndOptions) {
    const leaves = new Set(roots.flatMap((root) => runLeafOf(root) ?? []));
    for (const { name } of groups) if (cgroups !== undefined) leaves.add(cgroups.pathOf(name));
    this.#tree = new ProcessTree(roots, leaves);
    this.#protection = protection;
    this.#leaves = [...leaves].flatMap((leaf) => cgroups?.open(basename(leaf)) ?? []);
    this.#group = cgroups?.create(groupName ?? `kill-${randomUUID()}`);
    for (const group of this.#groups) group.setFrozen(true);
  }

  /** The leaves are not ours: whoever made one may have removed it once it was empty. */
  get #groups(): Cgroup[] {
    const leaves = this.#leaves.filter((leaf) => leaf.exists());
    return this.#group === undefined ? leaves : [...leaves, this.#group];
  }

  /** Suspends members until none is found that still runs. */
  async gather(deadline: number): Promise<TreeMember[]> {
    for (let quiet = 0; quiet < QUIET_PASSES && performance.now() < deadline; ) {
      const stats = readAllStats();
      const members = this.remaining(stats);
      const fresh = members.filter((member) => !this.#stopped.has(processKey(member)));
      const groups = ownGroups(members, stats);
      for (const member of fresh) {
        if (!this.#signal(member, 'SIGSTOP')) continue;
        this.#stopped.set(processKey(member), member);
        this.#stopGroup(stats.get(member.pid)?.pgid, groups);
      }
      quiet = fresh.length === 0 ? quiet + 1 : 0;
      // Lets the rest of the agent work while a tree forks against us.
      await delay(0);
    }
    // Only now: moving takes longer than stopping, long enough for a fork bomb to go on.
    this.#moveIn([...this.#stopped.values()]);
    for (const group of this.#groups) {
      await group.waitFrozen(Math.max(0, Math.min(1000, deadline - performance.now())));
    }
    return this.remaining();
  }

  /**
   * A signal to a process group reaches also the children that are being forked at that instant, which no list of
   * processes can. The member that was just stopped keeps the number of its group from being reused.
   */
  #stopGroup(pgid: number | undefined, groups: Set<number>): void {
    if (pgid === undefined || !groups.delete(pgid)) return;
    try {
      process.kill(-pgid, 'SIGSTOP');
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
    }
  }

  async kill(deadline: number): Promise<void> {
    const members = leavesFirst(this.remaining());
    for (const member of members) {
      this.#stopped.set(processKey(member), member);
      this.#signal(member, 'SIGKILL');
    }
    // Whatever was forked into the group between the two steps.
    for (const group of this.#groups) group.kill();
    for (
      let pause = 1;
      members.some(isAlive) && performance.now() < deadline;
      pause = Math.min(20, pause * 2)
    ) {
      await delay(pause);
    }
  }

  /** Members that live and may be killed. */
  remaining(stats = readAllStats()): TreeMember[] {
    return this.#tree.collect(stats).filter((member) => {
      if (this.#spared.has(processKey(member))) return false;
      const reason = this.#protection.refusesMember(member.pid, stats.get(member.pid));
      if (reason !== undefined) this.#spare(member, reason);
      return reason === undefined;
    });
  }

  result(): Pick<EndReport, 'method' | 'killed' | 'spared'> {
    const killed = [...this.#stopped.values()].filter((member) => !isAlive(member));
    return {
      method: this.#group === undefined ? 'signal' : 'cgroup',
      killed: killed.map(({ pid, startTime, name }) => ({ pid, startTime, name })),
      spared: [...this.#spared.values()],
    };
  }

  async close(): Promise<void> {
    // Nothing may stay suspended for good because its end failed.
    for (const group of this.#groups) group.setFrozen(false);
    // Those that have just ended leave it a moment later.
    await this.#group?.waitEmpty(LEAVE_MS);
    this.#group?.remove();
  }

  #moveIn(members: readonly TreeMember[]): void {
    if (this.#group === undefined) return;
    const inside = new Set(this.#groups.flatMap((group) => group.pids()));
    using door = this.#group.open();
    for (const member of members) {
      if (inside.has(member.pid) || !isAlive(member)) continue;
      try {
        door.add(member.pid);
      } catch (error) {
        // Some groups do not give their processes away (threaded ones); SIGSTOP holds this one.
        if (errorCode(error) === undefined) throw error;
      }
    }
  }

  /** A member that this user may not signal is reported and does not keep the others alive. */
  #signal(member: TreeMember, name: SignalName): boolean {
    try {
      return signalProcess(member, name);
    } catch (error) {
      if (!(error instanceof RaypherError) || error.code !== 'process/permission') throw error;
      this.#spare(member, error.message);
      return false;
    }
  }

  #spare({ pid, startTime, name }: TreeMember, reason: string): void {
    this.#spared.set(processKey({ pid, startTime }), { pid, startTime, name, reason });
  }
}

/** Process groups that consist of members only; a shell's pipeline can hold others. */
function ownGroups(members: readonly TreeMember[], stats: ReadonlyMap<number, ProcessStat>): Set<number> {
  const inside = new Set(members.map(({ pid }) => pid));
  const groups = new Set(members.flatMap(({ pid }) => stats.get(pid)?.pgid ?? []));
  for (const stat of stats.values()) if (!inside.has(stat.pid) && !hasEnded(stat)) groups.delete(stat.pgid);
  groups.delete(0);
  return groups;
}

/** The control group of a process that `raypher run` started: it holds nothing but its tree. */
function runLeafOf(root: ProcessRef): string | undefined {
  const cgroup = readCgroup(root.pid);
  if (!/\/run-[^/]+$/.test(cgroup)) return undefined;
  const parent = readStat(root.pid)?.ppid;
  return parent !== undefined && readCgroup(parent) !== cgroup ? cgroup : undefined;
}
