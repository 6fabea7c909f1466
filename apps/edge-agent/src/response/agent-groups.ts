import { errorCode } from '../discovery/procfs.ts';
import type { Cgroup, Cgroups } from './cgroup.ts';
import type { Protection } from './protected.ts';

/** How the control groups of an adopted AI agent begin. */
export function adoptedPrefix(agentId: string): string {
  return `adopted-${agentId.slice(0, 16)}-`;
}

/** Control groups that hold nothing but AI agents: `raypher run` and adoption make them. */
const GOVERNED = /^(?:run|adopted)-/;

/**
 * The control groups whose every process belongs to an AI agent. What was forked in them is in them, whatever it did
 * since: a child that the parent of its parent got (`CLONE_PARENT`), or one of a chain in which each forks the next and
 * ends, too quick for a list of processes.
 *
 * @param agentId undefined: of all AI agents
 */
export function groupsOf(
  agentId: string | undefined,
  cgroups: Cgroups | undefined,
  protection: Pick<Protection, 'refusesMember'>,
): Cgroup[] {
  const isMeant = (name: string): boolean =>
    agentId === undefined ? GOVERNED.test(name) : name.startsWith(adoptedPrefix(agentId));
  return (cgroups?.list() ?? []).filter(isMeant).flatMap((name) => {
    const group = cgroups?.open(name);
    const pids = group === undefined ? [] : pidsIn(group);
    // One that holds a part of Raypher cannot be stopped as a whole.
    const isWhole = pids.every((pid) => protection.refusesMember(pid) === undefined);
    return group !== undefined && pids.length > 0 && isWhole ? [group] : [];
  });
}

/** A group outlives the AI agent that it was made for, and goes to one that this had started: then it is not its own. */
export function holdsAny(group: Cgroup, processes: Iterable<{ readonly pid: number }>): boolean {
  const pids = new Set(pidsIn(group));
  for (const { pid } of processes) if (pids.has(pid)) return true;
  return false;
}

/** None when the group is gone. */
export function pidsIn(group: Cgroup): number[] {
  try {
    return group.pids();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return [];
  }
}
