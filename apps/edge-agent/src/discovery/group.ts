import { canonicalBytes, sha256Hex } from '@raypher/ledger';
import { type Assessment, executableName, type Finding } from './examine.ts';
import type { ScannedProcess } from './scan.ts';
import { processKey } from './stat.ts';

/** A process as the inventory remembers it between refreshes. */
export interface Tracked {
  process: ScannedProcess;
  readonly assessment: Assessment;
  /** The AI agent it belonged to at the last refresh: outlives the parent that it inherited this from. */
  group: AgentGroup | undefined;
  /** Started with `raypher run`. */
  declared: boolean;
  /** Models it called through the proxy. */
  readonly calls: Set<string>;
  /** performance.now() of the examination, and of the last look at its files with the address space of then. */
  readonly examinedAt: number;
  lookedAt: number;
  lookedBytes: number;
  /** How often it was examined because files had not come in time. */
  readonly again: number;
  /** performance.now() when the process was last read. */
  seenAt: number;
}

/** An AI agent: one program of one user, with everything it started. */
export interface AgentGroup {
  id: string;
  /** The process the identity was taken from. */
  root: Tracked;
  members: Tracked[];
  findings: Map<string, Finding>;
}

const RUN_LEAF = /\/run-[^/]+$/;

/**
 * Sorts processes into AI agents.
 *
 * A process belongs to the AI agent of its nearest ancestor, remembered beyond that ancestor's death. Inside such
 * a tree it counts as an AI agent of its own only when it brings a program or package that the enclosing one was
 * not recognised by; inherited keys in the environment and loaded libraries make no new agent.
 *
 * The control group that `raypher run` made for a command is where such a tree begins, whoever started it.
 *
 * @param own pids that are never AI agents
 */
export function groupAgents(
  device: string,
  all: readonly Tracked[],
  own: ReadonlySet<number>,
): Map<string, AgentGroup> {
  const byPid = new Map(all.map((tracked) => [tracked.process.pid, tracked]));
  const groups = new Map<string, AgentGroup>();
  const leaves = new Map<string, AgentGroup>();
  const decided = new Map<number, AgentGroup | undefined>();

  const groupOf = (tracked: Tracked): AgentGroup | undefined => {
    const { process } = tracked;
    if (decided.has(process.pid)) return decided.get(process.pid);
    // Also ends a circle, which a reused pid can leave in a list that was not read at one instant.
    decided.set(process.pid, undefined);
    if (own.has(process.pid) || process.kernelThread || process.pid === 1) return undefined;
    const parent = byPid.get(process.ppid);
    const leaf = leafOf(process);
    // The launcher stands outside the group it makes: what it was recognised by is not the command's.
    const withinLeaf = (other: Tracked) => leaf === undefined || leafOf(other.process) === leaf;
    const inherited = parent !== undefined && withinLeaf(parent) ? groupOf(parent) : undefined;
    const before =
      tracked.group !== undefined && withinLeaf(tracked.group.root) ? remembered(tracked) : undefined;
    const enclosing = inherited ?? before ?? leaves.get(leaf ?? '');
    const separate = enclosing === undefined || wasRoot(tracked) || bringsMore(tracked, enclosing);
    // A recognised program that executes an unremarkable one stays what it was.
    const group = (separate ? open(tracked) : undefined) ?? enclosing;
    if (group !== undefined) join(group, tracked);
    decided.set(process.pid, group);
    return group;
  };

  const remembered = (tracked: Tracked): AgentGroup | undefined =>
    tracked.group === undefined ? undefined : renew(tracked.group);

  /** The group of the same identity in this refresh; its root may be dead while others of its tree live on. */
  const renew = (before: AgentGroup): AgentGroup => {
    const group = groups.get(before.id) ?? { ...before, members: [], findings: new Map(before.findings) };
    groups.set(group.id, group);
    return group;
  };

  const open = (tracked: Tracked): AgentGroup | undefined => {
    if (findingsOf(tracked).length === 0) return undefined;
    const id = agentId(device, tracked);
    const group = groups.get(id) ?? { id, root: tracked, members: [], findings: new Map() };
    if (group.members.length === 0) group.root = tracked;
    groups.set(id, group);
    return group;
  };

  const join = (group: AgentGroup, tracked: Tracked): void => {
    tracked.group = group;
    group.members.push(tracked);
    for (const finding of findingsOf(tracked)) {
      if (!group.findings.has(finding.id)) group.findings.set(finding.id, finding);
    }
    const leaf = leafOf(tracked.process);
    if (leaf !== undefined && !leaves.has(leaf)) leaves.set(leaf, group);
  };

  // Oldest first, so that the first process of a control group comes before those it started.
  for (const tracked of all.toSorted((a, b) => a.process.startTime - b.process.startTime)) {
    const leaf = leafOf(tracked.process);
    if (leaf !== undefined) tracked.declared = true;
    groupOf(tracked);
  }
  for (const [id, group] of groups) if (group.members.length === 0) groups.delete(id);
  return groups;
}

/** The control group that `raypher run` made for a command. */
function leafOf(process: ScannedProcess): string | undefined {
  return RUN_LEAF.test(process.cgroup) && process.cgroup.includes('/raypher') ? process.cgroup : undefined;
}

const NOTHING: readonly Finding[] = [];

function findingsOf(tracked: Tracked): readonly Finding[] {
  // Nearly all of the hundreds of processes.
  if (tracked.assessment.findings.size === 0 && !tracked.declared && tracked.calls.size === 0) return NOTHING;
  const findings = [...tracked.assessment.findings.values()];
  if (tracked.declared) {
    findings.push({ id: 'declared.run', risk: 'medium', evidence: 'was started with raypher run' });
  }
  for (const model of tracked.calls) {
    findings.push({
      id: 'call.model',
      risk: 'high',
      evidence: `called the model ${model} through the proxy`,
    });
  }
  return findings;
}

function wasRoot({ group, process }: Tracked): boolean {
  return group !== undefined && processKey(group.root.process) === processKey(process);
}

function bringsMore(tracked: Tracked, enclosing: AgentGroup): boolean {
  for (const id of tracked.assessment.findings.keys()) {
    if (/^(binary|argument|package)\./.test(id) && !enclosing.findings.has(id)) return true;
  }
  return false;
}

/** Lower-case hex. The same program of the same user on the same device has the same id after every restart. */
function agentId(device: string, { process, assessment }: Tracked): string {
  const exe = process.exePath === '' ? executableName(process) : process.exePath;
  return sha256Hex(canonicalBytes({ device, user: process.user, exe, script: assessment.entryScript }));
}
