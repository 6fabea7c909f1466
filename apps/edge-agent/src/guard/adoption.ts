import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AiAgent } from '@raypher/shared';
import { errorCode } from '../discovery/procfs.ts';
import { readCgroup } from '../discovery/scan.ts';
import { isAlive, processKey } from '../discovery/stat.ts';
import { type EventDraft } from '../ledger/event-draft.ts';
import { adoptedPrefix } from '../response/agent-groups.ts';
import type { Cgroup, Cgroups } from '../response/cgroup.ts';
import { boundLimits, readCgroupLimits, writeCgroupLimits } from '../response/cgroup-limits.ts';
import type { Freezer } from '../response/freeze.ts';
import { moveIn } from '../response/holder.ts';
import type { Protection } from '../response/protected.ts';
import { type ProcessRef, ProcessTree, type TreeMember } from '../response/tree.ts';
import type { AdoptedAgent, AdoptedMember, AdoptionStore } from './adopted-agent.ts';
import { adoptedEvent, notAdoptedEvent, releasedEvent, type Spared } from './adoption-events.ts';
import { isForeign, isShared, refusesAdoption } from './adoption-refusal.ts';

export interface AdoptionOptions {
  /** Undefined: nothing can be adopted. */
  cgroups: Cgroups | undefined;
  store: AdoptionStore;
  protection: Pick<Protection, 'refusesTarget'>;
  /** Holds processes in groups of its own meanwhile; they return to the adopted one. */
  freezer: Pick<Freezer, 'rehome'>;
  record: (event: EventDraft) => void;
  /**
   * Called when all of an AI agent stand in its group, before they run again: the rules are to hold by then.
   *
   * @param members all that are in it
   */
  govern?: (group: string, members: readonly ProcessRef[]) => Promise<unknown>;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

export interface AdoptionEvents {
  group: [group: string, agentId: string];
  gone: [group: string];
}

/** Where a process is; where it belongs, when a freeze holds it. */
interface Place {
  path: string;
  /** By a group of the product that rules are applied to: its own, another AI agent's, or that of `raypher run`. */
  isGoverned: boolean;
  isHeld: boolean;
}

const PREFIX = 'adopted-';
const GOVERNED = /^(?:run|adopted)-/;
/** Passes over a tree that forks against us before the rest is left to the next sweep. */
const MAX_PASSES = 50;
/** How long the kernel gets to stop those inside a system call. */
const SETTLE_MS = 500;
/** Processes that were reported as spared are remembered beyond their end, this many. */
const MAX_REPORTED = 10_000;

/**
 * Gives AI agents that nobody started through us a control group of their own, which is how the kernel knows them.
 *
 * The group is frozen while they are moved, and the tree is looked through until nobody is outside: what a process
 * forks is born where the process is. Where each was before is stored first, and each returns there. A process that
 * others suspend (`Freezer`) is not touched: it is only told to return to the group.
 *
 * Memory that was used before stays charged to the group before; its limits hold in the new one from zero on.
 */
export class Adoption extends EventEmitter<AdoptionEvents> {
  readonly #options: AdoptionOptions;
  readonly #now: () => number;
  readonly #bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  /** By id of the AI agent. */
  readonly #adopted = new Map<string, AdoptedAgent>();
  /** Processes that need no further look, by processKey: in a governed group, or spared and reported. */
  #settled = new Set<string>();
  readonly #reported = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: AdoptionOptions) {
    super();
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** The group of an AI agent; undefined while it has none. */
  groupOf(agentId: string): string | undefined {
    return this.#adopted.get(agentId)?.group;
  }

  /** Takes up what an earlier agent adopted; to be called once, before anything else. */
  resume(): Promise<void> {
    return this.#enqueue(async () => {
      const { cgroups, store } = this.#options;
      for (const row of store.load()) {
        const leaf = row.bootId === this.#bootId ? cgroups?.open(row.group) : undefined;
        if (leaf === undefined) {
          store.remove(row.group);
          continue;
        }
        // It was killed in the middle of a move.
        if (leaf.isSetFrozen()) leaf.setFrozen(false);
        this.#adopted.set(row.agent, row);
        this.emit('group', row.group, row.agent);
      }
    });
  }

  /** Gives back what an agent adopted whose store is gone. Only for the one agent of a machine that may adopt. */
  dissolveStrays(): Promise<void> {
    return this.#enqueue(async () => {
      const known = new Set([...this.#adopted.values()].map(({ group }) => group));
      for (const group of this.#options.cgroups?.list() ?? []) {
        if (!group.startsWith(PREFIX) || known.has(group)) continue;
        await this.#give(strayGroup(group, this.#bootId), 'nobody remembers where it came from');
      }
    });
  }

  /**
   * Adopts these AI agents, where they are not yet, with what came to belong to them; lets go of those that ended.
   *
   * @param agents all that there are
   * @param options.again also looks at processes that were in order the last time
   */
  sweep(agents: readonly AiAgent[], options: { again?: boolean } = {}): Promise<void> {
    return this.#enqueue(async () => {
      if (options.again === true) this.#settled = new Set();
      const living = new Set<string>();
      const settled = new Set<string>();
      for (const agent of agents) {
        living.add(agent.id);
        const roots = agent.processes.map(({ pid, startTime }) => ({ pid, startTime: Number(startTime) }));
        const fresh = roots.some((root) => !this.#settled.has(processKey(root)));
        if (fresh) await this.#adopt(agent, roots);
        for (const root of roots) settled.add(processKey(root));
      }
      this.#settled = settled;
      for (const row of [...this.#adopted.values()]) {
        if (living.has(row.agent) || this.#handOver(row, agents)) continue;
        // Whoever is left is of its tree, though nobody saw it: one of those that fork and end quicker than they are read.
        if (this.#options.cgroups?.open(row.group)?.isEmpty() === false) continue;
        await this.#give(row, 'the AI agent ended');
      }
    });
  }

  /** Moves one AI agent into a group of its own. */
  adopt(agent: AiAgent): Promise<void> {
    const roots = agent.processes.map(({ pid, startTime }) => ({ pid, startTime: Number(startTime) }));
    return this.#enqueue(() => this.#adopt(agent, roots));
  }

  /** Returns an AI agent to where it was. @param reason for the record */
  release(agentId: string, reason: string): Promise<void> {
    return this.#enqueue(async () => {
      const row = this.#adopted.get(agentId);
      if (row !== undefined) await this.#give(row, reason);
    });
  }

  /** Returns all: the guard was turned off, or is uninstalled. */
  releaseAll(reason: string): Promise<void> {
    return this.#enqueue(async () => {
      for (const row of [...this.#adopted.values()]) await this.#give(row, reason);
    });
  }

  /** The group of an AI agent that ended goes to one that it started, if such a one is left in there. */
  #handOver(row: AdoptedAgent, agents: readonly AiAgent[]): boolean {
    const leaf = this.#options.cgroups?.open(row.group);
    const heir = agents.find(
      ({ id, processes }) => !this.#adopted.has(id) && processes.some(({ pid }) => leaf?.holds(pid)),
    );
    if (heir === undefined) return false;
    this.#adopted.delete(row.agent);
    row.agent = heir.id;
    row.label = heir.name;
    this.#adopted.set(row.agent, row);
    this.#options.store.save(row);
    this.emit('group', row.group, row.agent);
    return true;
  }

  /** One at a time: two moves of one tree would undo each other. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #adopt(agent: AiAgent, roots: readonly ProcessRef[]): Promise<void> {
    const { cgroups, govern, store } = this.#options;
    if (cgroups === undefined) {
      this.#spare(agent, [
        { pid: 0, name: agent.name, reason: 'control groups (cgroup v2) cannot be used here' },
      ]);
      return;
    }
    const family = new ProcessTree(roots);
    const spared = new Map<string, Spared>();
    const first = this.#loose(family.collect(), spared, cgroups);
    if (first.length === 0) return;
    const row = this.#adopted.get(agent.id) ?? this.#newRow(agent, first, cgroups);
    const before = row.members.length;
    let leaf: Cgroup;
    try {
      leaf = cgroups.open(row.group) ?? cgroups.create(row.group);
      writeCgroupLimits(leaf.path, row.limits);
      leaf.setFrozen(true);
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      cgroups.open(row.group)?.remove();
      const reason = `a control group with the limits of its own cannot be made (${code})`;
      this.#spare(
        agent,
        first.map(({ pid, name }) => ({ pid, name, reason })),
      );
      return;
    }
    const homes = new Set<string>();
    let failure: unknown;
    try {
      let loose = first;
      for (let pass = 0; loose.length > 0 && pass < MAX_PASSES; pass += 1) {
        this.#move(row, leaf, loose, { spared, homes }, cgroups);
        await leaf.waitFrozen(SETTLE_MS);
        // Children that were forked before their parent was moved.
        loose = this.#loose(family.collect(), spared, cgroups);
      }
      if (row.members.length > before) await govern?.(row.group, row.members);
    } catch (error) {
      failure = error;
    }
    leaf.setFrozen(false);
    const fresh = row.members.slice(before).filter(isAlive);
    row.members = row.members.filter(isAlive);
    this.#spare(agent, [...spared.values()]);
    if (row.members.length === 0 && leaf.isEmpty()) this.#forget(row);
    else {
      const isNew = !this.#adopted.has(agent.id);
      store.save(row);
      this.#adopted.set(agent.id, row);
      if (fresh.length > 0) this.#options.record(adoptedEvent(agent, row, fresh));
      if (isNew) this.emit('group', row.group, agent.id);
    }
    if (failure !== undefined) throw failure;
  }

  /** Moves what may be moved, in the order of the tree: parents first, so that little is forked outside. */
  #move(
    row: AdoptedAgent,
    leaf: Cgroup,
    loose: readonly TreeMember[],
    { spared, homes }: { spared: Map<string, Spared>; homes: Set<string> },
    cgroups: Cgroups,
  ): void {
    const { store, freezer } = this.#options;
    const spare = ({ pid, startTime, name }: ProcessRef & { name: string }, reason: string): void => {
      spared.set(processKey({ pid, startTime }), { pid, name, reason });
    };
    for (const { pid } of loose) {
      const { path } = this.#placeOf(pid, cgroups);
      if (!homes.has(path) && (!isForeign(pid) || isShared(path, cgroups))) homes.add(path);
    }
    const movable: AdoptedMember[] = [];
    for (const process of loose.toSorted((a, b) => a.depth - b.depth)) {
      const { pid, startTime, name } = process;
      const cgroup = this.#placeOf(pid, cgroups).path;
      const reason =
        this.#options.protection.refusesTarget(pid) ??
        refusesAdoption(pid, cgroup, { limits: row.limits, homes }, cgroups);
      if (reason === undefined) movable.push({ pid, startTime, name, cgroup });
      else spare(process, reason);
    }
    // Stored first: a crash in between leaves a record of something that was not moved, never the reverse.
    const known = new Set(row.members.map(processKey));
    row.members.push(...movable.filter((member) => !known.has(processKey(member))));
    store.save(row);
    for (const member of movable) {
      const key = processKey(member);
      // Read at the last moment: what is suspended by now must not come to run here.
      if (this.#placeOf(member.pid, cgroups).isHeld) {
        freezer.rehome((held) => (processKey(held) === key ? cgroups.pathOf(row.group) : undefined));
        continue;
      }
      try {
        moveIn(leaf, member, cgroups);
      } catch (error) {
        const code = errorCode(error);
        if (code === undefined) throw error;
        spare(member, `the kernel does not let it leave its control group ${member.cgroup} (${code})`);
        row.members = row.members.filter((other) => processKey(other) !== key);
      }
    }
  }

  /** Members outside any governed group that nothing was decided about yet. */
  #loose(
    members: readonly TreeMember[],
    spared: ReadonlyMap<string, Spared>,
    cgroups: Cgroups,
  ): TreeMember[] {
    return members.filter(
      (member) => !spared.has(processKey(member)) && !this.#placeOf(member.pid, cgroups).isGoverned,
    );
  }

  #placeOf(pid: number, cgroups: Cgroups): Place {
    const path = readCgroup(pid);
    if (cgroups.nameOf(path)?.startsWith('held-') !== true) {
      return { path, isGoverned: GOVERNED.test(cgroups.nameOf(path) ?? ''), isHeld: false };
    }
    let origin = '';
    this.#options.freezer.rehome((held) => {
      if (held.pid === pid) origin = held.cgroup;
      return undefined;
    });
    return { path: origin, isGoverned: GOVERNED.test(cgroups.nameOf(origin) ?? ''), isHeld: true };
  }

  /** The first process decides which limits hold. */
  #newRow(agent: AiAgent, first: readonly TreeMember[], cgroups: Cgroups): AdoptedAgent {
    const root = first.toSorted((a, b) => a.depth - b.depth || a.startTime - b.startTime)[0];
    const home = root === undefined ? '/' : this.#placeOf(root.pid, cgroups).path;
    const limits = cgroups.reaches(home) ? readCgroupLimits(cgroups.root, cgroups.locate(home)) : {};
    const bound = new Set(boundLimits(limits));
    return {
      group: `${adoptedPrefix(agent.id)}${randomBytes(4).toString('hex')}`,
      bootId: this.#bootId,
      agent: agent.id,
      label: agent.name,
      home,
      limits: Object.fromEntries(Object.entries(limits).filter(([file]) => !bound.has(file))),
      sinceMs: this.#now(),
      members: [],
    };
  }

  /** Gives back all that is in a group, and removes it. */
  async #give(row: AdoptedAgent, reason: string): Promise<void> {
    const { cgroups, freezer, record } = this.#options;
    const leaf = cgroups?.open(row.group);
    if (cgroups !== undefined && leaf !== undefined) {
      const own = cgroups.pathOf(row.group);
      const origins = new Map(row.members.map((member) => [processKey(member), member.cgroup]));
      freezer.rehome((held) =>
        held.cgroup === own ? (origins.get(processKey(held)) ?? row.home) : undefined,
      );
      const { returned, displaced } = await this.#moveOut(row, leaf, cgroups);
      leaf.remove();
      if (returned > 0 || row.members.some(isAlive)) record(releasedEvent(row, reason, returned, displaced));
    }
    this.#forget(row);
    this.emit('gone', row.group);
  }

  async #moveOut(
    row: AdoptedAgent,
    leaf: Cgroup,
    cgroups: Cgroups,
  ): Promise<{ returned: number; displaced: string[] }> {
    const origins = new Map(row.members.filter(isAlive).map(({ pid, cgroup }) => [pid, cgroup]));
    const displaced: string[] = [];
    let returned = 0;
    leaf.setFrozen(true);
    await leaf.waitFrozen(SETTLE_MS);
    for (let pass = 0; pass < MAX_PASSES; pass += 1) {
      const pids = leaf.occupants(row.members);
      if (pids.size === 0) break;
      for (const pid of pids) {
        const origin = origins.get(pid) ?? row.home;
        const now = cgroups.moveTo(origin, pid);
        if (now === undefined) continue;
        returned += 1;
        if (now !== origin) displaced.push(`${pid}: ${origin} is gone, it is in ${now}`);
      }
    }
    leaf.setFrozen(false);
    return { returned, displaced };
  }

  #forget(row: AdoptedAgent): void {
    this.#adopted.delete(row.agent);
    this.#options.store.remove(row.group);
    this.#options.cgroups?.open(row.group)?.remove();
  }

  /** Each process and reason once: sweeps repeat. */
  #spare(agent: AiAgent, all: readonly Spared[]): void {
    const fresh = all.filter(({ pid, reason }) => {
      const key = `${agent.id} ${pid} ${reason}`;
      if (reason === '' || this.#reported.has(key)) return false;
      if (this.#reported.size >= MAX_REPORTED) this.#reported.clear();
      this.#reported.add(key);
      return true;
    });
    for (const [reason, processes] of Map.groupBy(fresh, (one) => one.reason)) {
      this.#options.record(notAdoptedEvent(agent, reason, processes));
    }
  }
}

/** Left in the hierarchy by an agent whose store is gone. */
function strayGroup(group: string, bootId: string): AdoptedAgent {
  return { group, bootId, agent: '', label: group, home: '/', limits: {}, sinceMs: 0, members: [] };
}
