import { setTimeout as delay } from 'node:timers/promises';
import { RaypherError } from '@raypher/shared';
import { errorCode } from '../discovery/procfs.ts';
import { readCgroup } from '../discovery/scan.ts';
import { isAlive, processKey, readStat, readThreads } from '../discovery/stat.ts';
import type { Cgroup, CgroupDoor, Cgroups } from './cgroup.ts';
import type { FrozenMember, FrozenTree } from './frozen-tree.ts';
import { signalProcess } from './signal.ts';
import type { ProcessRef } from './tree.ts';

/** Suspends and resumes single processes of a tree; through a control group where there is one, else by signal. */
export class Holder {
  readonly #cgroups: Cgroups | undefined;

  constructor(cgroups: Cgroups | undefined) {
    this.#cgroups = cgroups;
  }

  /** What is to be remembered of a process before it is touched. */
  prepare(process: ProcessRef & { name: string; state?: string }): FrozenMember {
    const { pid, startTime, name, state = readStat(pid)?.state } = process;
    const cgroup = readCgroup(pid);
    const method = this.#cgroups?.reaches(cgroup) === true ? 'cgroup' : 'signal';
    return { pid, startTime, name, cgroup, method, wasStopped: state === 'T' };
  }

  /** Who is in the control group of a tree: read once, however many are asked about. */
  occupants(tree: FrozenTree): ReadonlySet<number> {
    return this.#group(tree)?.occupants(tree.members) ?? new Set();
  }

  /** Whether a member is held as it was left. @param occupants of its tree */
  holds(member: FrozenMember, occupants: ReadonlySet<number>): boolean {
    if (member.method === 'signal') return isStopped(member);
    return occupants.has(member.pid);
  }

  /**
   * Opens the control group of a tree for members that are to be suspended.
   *
   * @returns undefined where there is none for them
   */
  open(tree: FrozenTree): CgroupDoor | undefined {
    try {
      return (this.#group(tree) ?? this.#cgroups?.create(groupName(tree)))?.open();
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      return undefined;
    }
  }

  /** Undoes what another process did to a group, and makes it when it is missing. */
  ensureFrozen(tree: FrozenTree): void {
    if (!tree.members.some(({ method }) => method === 'cgroup')) return;
    try {
      const group = this.#group(tree) ?? this.#cgroups?.create(groupName(tree));
      if (group?.isSetFrozen() === false) group.setFrozen(true);
    } catch (error) {
      // An emergency does not end here: what no group takes is stopped by signal, and `settle` tells the rest.
      if (errorCode(error) === undefined) throw error;
    }
  }

  /**
   * Suspends a member. When its control group does not give it away, it is stopped by signal and `method` says so.
   *
   * @param door of its tree
   * @param changed called when `method` is another one than before, and nothing has been done yet
   * @returns false when the process is gone
   * @throws RaypherError `process/permission`
   */
  suspend(member: FrozenMember, door: CgroupDoor | undefined, changed: () => void): boolean {
    if (member.method === 'cgroup') {
      try {
        if (door !== undefined) return moveIn(door, member, this.#cgroups);
      } catch (error) {
        if (errorCode(error) === undefined) throw error;
      }
      member.method = 'signal';
      changed();
    }
    return signalProcess(member, 'SIGSTOP');
  }

  /** Waits until everything in the tree stands still. A signal takes effect when the process is next scheduled. */
  async settle(tree: FrozenTree, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    const group = this.#group(tree);
    const still = group === undefined || group.isEmpty() || (await group.waitFrozen(timeoutMs));
    const signalled = tree.members.filter(({ method }) => method === 'signal');
    for (let pause = 0; !signalled.every(isStopped); pause = Math.min(16, pause * 2 + 1)) {
      if (performance.now() >= deadline) return false;
      await delay(pause);
    }
    return still;
  }

  /** Resumes all that this tree holds, each in the control group it came from. */
  release(tree: FrozenTree): { member: FrozenMember; reason?: string }[] {
    const released: { member: FrozenMember; reason?: string }[] = [];
    for (const member of tree.members) {
      if (member.method !== 'signal' || !isAlive(member)) continue;
      if (!member.wasStopped) signalProcess(member, 'SIGCONT');
      released.push({ member });
    }
    const group = this.#group(tree);
    if (group === undefined) return released;
    const members = new Map(tree.members.map((member) => [member.pid, member]));
    for (const pid of group.occupants(tree.members)) {
      const known = members.get(pid);
      const member = known ?? { ...this.prepare({ pid, startTime: 0, name: '' }), cgroup: '/' };
      const reason = this.#moveOut(member);
      released.push(reason === undefined ? { member } : { member, reason });
    }
    group.setFrozen(false);
    group.remove();
    return released;
  }

  /** Removes the group of a tree that has no living member. */
  discard(tree: FrozenTree): void {
    this.#group(tree)?.remove();
  }

  #moveOut(member: FrozenMember): string | undefined {
    try {
      this.#cgroups?.moveTo(member.cgroup, member.pid);
      return undefined;
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      return `could not return to the control group ${member.cgroup} (${code})`;
    }
  }

  #group(tree: FrozenTree): Cgroup | undefined {
    return this.#cgroups?.open(groupName(tree));
  }
}

function groupName(tree: FrozenTree): string {
  return `held-${tree.id}`;
}

/**
 * Control groups take pids, not handles. So the process is checked before and after: when the pid turns out to
 * belong to another process by then, that one is put back at once.
 */
export function moveIn(door: Pick<Cgroup, 'add'>, member: ProcessRef, cgroups: Cgroups | undefined): boolean {
  if (!isAlive(member) || !door.add(member.pid)) return false;
  if (isAlive(member)) return true;
  const stranger = readStat(member.pid);
  // A process begins in the control group of its parent.
  if (stranger !== undefined) cgroups?.moveTo(readCgroup(stranger.ppid), stranger.pid);
  return false;
}

/** All its threads have: a signal reaches each when that is next scheduled, and the first one may have ended. */
function isStopped({ pid }: ProcessRef): boolean {
  for (const { state } of readThreads(pid)) if (!/[TtZX]/.test(state)) return false;
  return true;
}

/** A reason for people when a process cannot be suspended; other errors are defects and pass through. */
export function refusalOf(error: unknown): string {
  if (error instanceof RaypherError) return error.message;
  throw error;
}

/** Members by processKey. */
export function byKey(members: readonly FrozenMember[]): Map<string, FrozenMember> {
  return new Map(members.map((member) => [processKey(member), member]));
}
