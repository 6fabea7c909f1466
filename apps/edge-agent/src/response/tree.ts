import { readCgroup } from '../discovery/scan.ts';
import { hasEnded, type ProcessStat, readAllStats, readStat } from '../discovery/stat.ts';

export interface ProcessRef {
  pid: number;
  startTime: number;
}

/** A process of a tree, with its distance from the root. */
export interface TreeMember extends ProcessRef {
  name: string;
  ppid: number;
  /** One letter, see proc(5). */
  state: string;
  depth: number;
}

/**
 * The processes that stem from some roots, looked up again and again while they fork, end and are reparented.
 * Whoever was found once stays a member, so its later children are found even when it is gone.
 *
 * Members are: children of members; processes in a session or process group that a member leads, unless they
 * are its siblings in a shell's pipeline. A process that left its parent, session and group before it was ever
 * seen cannot be told from others by these; only a control group holds such a one.
 */
export class ProcessTree {
  /** By pid, dead ones included. */
  readonly #members = new Map<number, { startTime: number; depth: number }>();
  /** Control groups whose every process is a member. */
  readonly #cgroups: ReadonlySet<string>;

  /** @param cgroups paths in the unified hierarchy, whose processes all belong to the tree */
  constructor(roots: Iterable<ProcessRef>, cgroups: Iterable<string> = []) {
    for (const { pid, startTime } of roots) this.#members.set(pid, { startTime, depth: 0 });
    this.#cgroups = new Set([...cgroups].filter((path) => path !== '' && path !== '/'));
  }

  /** More of whom it is known that they belong to it. */
  add(members: Iterable<ProcessRef>): void {
    for (const { pid, startTime } of members) {
      if (this.#members.get(pid)?.startTime !== startTime) this.#members.set(pid, { startTime, depth: 0 });
    }
  }

  /**
   * The members that live at about this moment; those that ended but were not collected are left out.
   *
   * @param stats all processes, when the caller has just read them
   */
  collect(stats: ReadonlyMap<number, ProcessStat> = readAllStats()): TreeMember[] {
    const found = new Map<number, TreeMember>();
    // A process can stem from one with a higher pid, so the list is passed until nothing is added.
    for (let added = true; added; ) {
      added = false;
      for (const stat of stats.values()) {
        if (found.has(stat.pid)) continue;
        const depth = this.#depthOf(stat, stats);
        if (depth === undefined) continue;
        this.#members.set(stat.pid, { startTime: stat.startTime, depth });
        found.set(stat.pid, {
          pid: stat.pid,
          startTime: stat.startTime,
          name: stat.name,
          ppid: stat.ppid,
          state: stat.state,
          depth,
        });
        added = true;
      }
    }
    return [...found.values()].filter(({ pid }) => {
      const stat = stats.get(pid);
      return stat !== undefined && !hasEnded(stat);
    });
  }

  /** @returns undefined for a process that is no member */
  #depthOf(stat: ProcessStat, stats: ReadonlyMap<number, ProcessStat>): number | undefined {
    if (stat.kernelThread || stat.pid === 1) return undefined;
    const self = this.#members.get(stat.pid);
    if (self?.startTime === stat.startTime) return self.depth;
    const parent = this.#member(stat.ppid, stats);
    if (parent !== undefined) return parent.depth + 1;
    const leader = this.#leader(stat, stats);
    if (leader !== undefined) return leader.depth + 1;
    return this.#cgroups.size > 0 && this.#cgroups.has(readCgroup(stat.pid, stat.shownUnder)) ? 0 : undefined;
  }

  /** The member that lives under this pid now. */
  #member(pid: number, stats: ReadonlyMap<number, ProcessStat>): { depth: number } | undefined {
    const member = this.#members.get(pid);
    return member !== undefined && stats.get(pid)?.startTime === member.startTime ? member : undefined;
  }

  #leader(stat: ProcessStat, stats: ReadonlyMap<number, ProcessStat>): { depth: number } | undefined {
    // The kernel keeps the number of a session or group from being reused while anybody is in it, so a leader
    // may be dead; but it must be older than those who follow it.
    const session = this.#members.get(stat.session);
    if (
      session !== undefined &&
      session.startTime <= stat.startTime &&
      leads(stat.session, session, stats, 'session')
    ) {
      return session;
    }
    const group = this.#members.get(stat.pgid);
    if (group === undefined || group.startTime > stat.startTime || !leads(stat.pgid, group, stats, 'pgid')) {
      return undefined;
    }
    // A sibling in a shell's pipeline still has the shell for a parent, which is of the same session. Only a
    // process that lost its parent has one of another session.
    const parent = stats.get(stat.ppid);
    return parent === undefined || parent.pid === 1 || parent.session !== stat.session ? group : undefined;
  }
}

/** The member under this number leads that session or group, or led it until it died. */
function leads(
  number: number,
  member: { startTime: number },
  stats: ReadonlyMap<number, ProcessStat>,
  kind: 'session' | 'pgid',
): boolean {
  const living = stats.get(number);
  return living === undefined || (living.startTime === member.startTime && living[kind] === number);
}

/** Members with the farthest from the root first. */
export function leavesFirst<T extends { depth: number; startTime: number }>(members: readonly T[]): T[] {
  return members.toSorted((a, b) => b.depth - a.depth || b.startTime - a.startTime);
}

/** Reads which process has this pid now. */
export function referTo(pid: number): (ProcessRef & { name: string }) | undefined {
  const stat = readStat(pid);
  return stat === undefined || hasEnded(stat)
    ? undefined
    : { pid, startTime: stat.startTime, name: stat.name };
}
