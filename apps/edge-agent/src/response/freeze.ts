import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ActiveFreeze } from '@raypher/shared';
import type { Inventory } from '../discovery/inventory.ts';
import { isAlive, type ProcessStat, processKey, readAllStats, readStatsSince } from '../discovery/stat.ts';
import { groupsOf, holdsAny, pidsIn } from './agent-groups.ts';
import type { Cgroup, Cgroups } from './cgroup.ts';
import { type FreezeReport, type FreezeResult, resultOf } from './freeze-report.ts';
import type { FreezeStore, FrozenMember, FrozenTree } from './frozen-tree.ts';
import { byKey, Holder, refusalOf } from './holder.ts';
import { atHighestPriority } from './priority.ts';
import type { Protection } from './protected.ts';
import { type FreezeTarget, selectTargets } from './select.ts';
import { type ProcessRef, ProcessTree, type TreeMember } from './tree.ts';

export type { FreezeReport, FreezeResult };

export interface FreezerOptions {
  inventory: Pick<Inventory, 'refresh' | 'current' | 'setFrozen'>;
  store: FreezeStore;
  protection: Protection;
  /** Undefined: processes are stopped by signal. */
  cgroups: Cgroups | undefined;
  /** The device's team; asked at every sweep. */
  team?: () => string | undefined;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** How long the kernel gets to stop the processes of a group: those inside a system call finish it first. */
const SETTLE_MS = 2000;
/** Passes over a tree that forks against us before the rest is left to the next sweep. */
const MAX_PASSES = 50;

/**
 * Keeps exactly those AI agents suspended that the freezes in force select, and thaws exactly what it froze.
 *
 * What is held is stored before it is touched, so a restarted agent knows what to thaw. Until the first `apply`
 * after a start nothing is thawed.
 */
export class Freezer {
  readonly #options: FreezerOptions;
  readonly #holder: Holder;
  readonly #bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  readonly #trees = new Map<string, FrozenTree>();
  /** Refusals and failures already reported, so that each is recorded once. */
  readonly #reported = new Set<string>();
  #freezes: readonly ActiveFreeze[] | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: FreezerOptions) {
    this.#options = options;
    this.#holder = new Holder(options.cgroups);
    this.#adopt();
  }

  /** Trees and processes held now. */
  get held(): { trees: number; processes: number } {
    let processes = 0;
    for (const tree of this.#trees.values()) processes += tree.members.length;
    return { trees: this.#trees.size, processes };
  }

  /** Processes that one freeze holds, alone or with others. */
  heldBy(freeze: string): ProcessRef[] {
    return [...this.#trees.values()]
      .filter(({ freezes }) => freezes.includes(freeze))
      .flatMap(({ members }) => members.map(({ pid, startTime }) => ({ pid, startTime })));
  }

  /** Puts the whole set of freezes in force; an empty one thaws everything. Looks at the processes afresh. */
  apply(freezes: readonly ActiveFreeze[]): Promise<FreezeReport> {
    return this.#enqueue(async () => {
      this.#freezes = freezes;
      this.#reported.clear();
      if (freezes.length === 0) return this.#sweep();
      return atHighestPriority(async () => {
        await this.#options.inventory.refresh();
        return this.#sweep();
      });
    });
  }

  /** Catches what matches since the last time. To be called after each refresh of the inventory; idempotent. */
  sweep(): Promise<FreezeReport> {
    return this.#enqueue(() => this.#sweep());
  }

  /**
   * Lets what is held return to another control group than the one it came from.
   *
   * @param choose the path for a member; undefined leaves it as it is
   */
  rehome(choose: (member: Readonly<FrozenMember>) => string | undefined): void {
    for (const tree of this.#trees.values()) {
      const before = JSON.stringify(tree.members);
      for (const member of tree.members) member.cgroup = choose(member) ?? member.cgroup;
      if (JSON.stringify(tree.members) !== before) this.#options.store.save(tree);
    }
  }

  /** One at a time: a sweep that overlaps an apply could freeze what is being thawed. */
  #enqueue(work: () => Promise<FreezeReport>): Promise<FreezeReport> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  #adopt(): void {
    for (const tree of this.#options.store.load()) {
      const members = tree.bootId === this.#bootId ? tree.members.filter(isAlive) : [];
      if (members.length > 0) {
        this.#trees.set(tree.target, { ...tree, members });
      } else {
        this.#holder.discard(tree);
        this.#options.store.remove(tree.id);
      }
    }
    this.#publish();
  }

  async #sweep(): Promise<FreezeReport> {
    const started = performance.now();
    const results: FreezeResult[] = [];
    const targets = this.#targets();
    let complete = true;
    if (targets.size > 0 || this.#trees.size > 0) {
      const claimed = new Set<string>();
      let stats: ReadonlyMap<number, ProcessStat> | undefined;
      // Trees held already come first, so that a process does not change hands from sweep to sweep.
      const ordered = [...targets.values()].sort((a, b) => this.#age(a) - this.#age(b));
      for (const target of ordered) {
        stats ??= readAllStats();
        const { settled, touched } = await this.#hold(target, claimed, stats, results);
        complete &&= settled;
        if (touched) stats = undefined;
      }
      for (const tree of [...this.#trees.values()]) {
        if (!targets.has(tree.target)) this.#thaw(tree, claimed, results);
      }
      this.#publish();
    }
    const count = (outcome: FreezeResult['outcome']): number =>
      results.filter((result) => result.outcome === outcome).length;
    return {
      ...this.held,
      frozen: count('frozen'),
      thawed: count('thawed'),
      results,
      evidence: Object.fromEntries([...targets.values()].map(({ key, evidence }) => [key, evidence])),
      complete,
      durationMs: performance.now() - started,
    };
  }

  /** Before the first apply: what is held stays held, with all it may have started. */
  #targets(): Map<string, FreezeTarget> {
    const { inventory, team } = this.#options;
    if (this.#freezes === undefined) return new Map([...this.#trees.values()].map(targetOf));
    const targets = selectTargets(this.#freezes, inventory.current, team?.());
    // Who stands still cannot become somebody else: as long as a freeze that took it is in force, it is held,
    // whether or not this look at the processes recognised it again.
    const inForce = new Set(this.#freezes.map(({ id }) => id));
    for (const tree of this.#trees.values()) {
      const freezes = tree.freezes.filter((id) => inForce.has(id));
      if (freezes.length === 0 || targets.has(tree.target)) continue;
      targets.set(tree.target, { ...targetOf(tree)[1], freezes });
    }
    return targets;
  }

  #age(target: FreezeTarget): number {
    return this.#trees.get(target.key)?.sinceMs ?? Number.MAX_SAFE_INTEGER;
  }

  async #hold(
    target: FreezeTarget,
    claimed: Set<string>,
    stats: ReadonlyMap<number, ProcessStat>,
    results: FreezeResult[],
  ): Promise<{ settled: boolean; touched: boolean }> {
    const tree = this.#trees.get(target.key) ?? this.#newTree(target);
    const roots = this.#permitted(target, results);
    const family = new ProcessTree([...roots, ...tree.members]);
    const failed = new Set<string>();
    this.#holder.ensureFrozen(tree);
    let touched = false;
    await using groups = await this.#stopGroups(target, tree);
    let latest = groups.all.length === 0 ? stats : readStatsSince(stats, new Set());
    family.add(inside(groups.all, latest));
    let members = this.#collect(family, claimed, target, results, latest);
    for (let pass = 0; pass < MAX_PASSES; pass += 1) {
      const known = byKey(tree.members);
      const occupants = this.#holder.occupants(tree);
      const loose = members.filter((member) => {
        const held = known.get(processKey(member));
        return (
          !failed.has(processKey(member)) && (held === undefined || !this.#holder.holds(held, occupants))
        );
      });
      if (loose.length === 0) break;
      touched = true;
      this.#suspend(tree, loose, target, failed, results);
      await this.#holder.settle(tree, SETTLE_MS / 4);
      // Children that were forked before their parent stood still.
      latest = readStatsSince(latest, new Set(members.map(({ pid }) => pid)));
      family.add(inside(groups.all, latest));
      members = this.#collect(family, claimed, target, results, latest);
    }
    const alive = new Set(members.map(processKey));
    const before = JSON.stringify(tree);
    tree.freezes = target.freezes;
    tree.members = tree.members.filter((member) => alive.has(processKey(member)));
    for (const member of tree.members) claimed.add(processKey(member));
    if (tree.members.length === 0) this.#forget(tree);
    else if (JSON.stringify(tree) !== before) this.#options.store.save(tree);
    const settled = await this.#holder.settle(tree, touched ? SETTLE_MS : 0);
    return { settled: settled && failed.size === 0, touched };
  }

  /** What is in a group of this AI agent's own stands still while it is gathered, so that nobody forks away from it. */
  async #stopGroups(
    { key, roots }: FreezeTarget,
    { members }: FrozenTree,
  ): Promise<{ all: Cgroup[] } & AsyncDisposable> {
    const { cgroups, protection } = this.#options;
    const named = key.startsWith('agent:') ? groupsOf(key.slice('agent:'.length), cgroups, protection) : [];
    const all = named.filter(
      (group) =>
        holdsAny(group, roots) || members.some(({ cgroup }) => cgroup === cgroups?.pathOf(group.name)),
    );
    const ours = all.filter((group) => !group.isSetFrozen());
    for (const group of ours) group.setFrozen(true);
    for (const group of ours) await group.waitFrozen(SETTLE_MS / 4);
    return {
      all,
      [Symbol.asyncDispose]: async () => {
        for (const group of ours) if (group.exists()) group.setFrozen(false);
      },
    };
  }

  /** Stored first: a crash in between leaves a record of something that is not frozen, never the reverse. */
  #suspend(
    tree: FrozenTree,
    loose: readonly TreeMember[],
    target: FreezeTarget,
    failed: Set<string>,
    results: FreezeResult[],
  ): void {
    const prepared = loose.map((process) => this.#takeOver(process) ?? this.#holder.prepare(process));
    const fresh = byKey(prepared);
    tree.members = [...tree.members.filter((member) => !fresh.has(processKey(member))), ...prepared];
    this.#trees.set(tree.target, tree);
    this.#options.store.save(tree);
    this.#holder.ensureFrozen(tree);
    using door = prepared.some(({ method }) => method === 'cgroup') ? this.#holder.open(tree) : undefined;
    for (const member of prepared) {
      try {
        if (!this.#holder.suspend(member, door, () => this.#options.store.save(tree))) continue;
        results.push(
          resultOf(member, target, 'frozen', member.method === 'cgroup' ? 'control group' : 'SIGSTOP'),
        );
      } catch (error) {
        failed.add(processKey(member));
        tree.members = tree.members.filter((other) => other !== member);
        this.#report(member, target, 'failed', refusalOf(error), results);
      }
    }
  }

  /** A process that another tree holds keeps what is remembered of it: where it came from is not that tree's group. */
  #takeOver(process: ProcessRef): FrozenMember | undefined {
    const key = processKey(process);
    for (const tree of this.#trees.values()) {
      const member = tree.members.find((other) => processKey(other) === key);
      if (member !== undefined) return { ...member };
    }
    return undefined;
  }

  #collect(
    family: ProcessTree,
    claimed: ReadonlySet<string>,
    target: FreezeTarget,
    results: FreezeResult[],
    stats: ReadonlyMap<number, ProcessStat>,
  ): TreeMember[] {
    return family.collect(stats).filter((member) => {
      if (claimed.has(processKey(member))) return false;
      const reason = this.#options.protection.refusesMember(member.pid, stats.get(member.pid));
      if (reason !== undefined) this.#report(member, target, 'refused', reason, results);
      return reason === undefined;
    });
  }

  /** Processes chosen by their hash can be anything; the full list of critical programs applies to them. */
  #permitted(target: FreezeTarget, results: FreezeResult[]): ProcessRef[] {
    if (!target.key.startsWith('hash:')) return target.roots;
    return target.roots.filter((root) => {
      const reason = this.#options.protection.refusesTarget(root.pid);
      if (reason !== undefined) this.#report({ ...root, name: '' }, target, 'refused', reason, results);
      return reason === undefined;
    });
  }

  /** Once per process and set of freezes: sweeps repeat every half second. */
  #report(
    process: ProcessRef & { name: string },
    target: FreezeTarget,
    outcome: 'refused' | 'failed',
    reason: string,
    results: FreezeResult[],
  ): void {
    const key = `${target.key} ${processKey(process)}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    results.push(resultOf(process, target, outcome, reason));
  }

  #thaw(tree: FrozenTree, claimed: ReadonlySet<string>, results: FreezeResult[]): void {
    // Members that another target claimed are in its hands now, still frozen.
    tree.members = tree.members.filter((member) => !claimed.has(processKey(member)));
    for (const { member, reason } of this.#holder.release(tree)) {
      results.push(
        resultOf(member, { key: tree.target, label: tree.label }, 'thawed', reason ?? 'runs again'),
      );
    }
    this.#forget(tree);
  }

  #forget(tree: FrozenTree): void {
    this.#trees.delete(tree.target);
    this.#holder.discard(tree);
    this.#options.store.remove(tree.id);
  }

  #newTree({ key, label, freezes, evidence }: FreezeTarget): FrozenTree {
    const sinceMs = (this.#options.now ?? Date.now)();
    const { uuid, bootId } = { uuid: randomUUID(), bootId: this.#bootId };
    return {
      id: uuid,
      bootId,
      target: key,
      label,
      freezes,
      evidence: evidence.slice(0, 32),
      sinceMs,
      members: [],
    };
  }

  #publish(): void {
    const keys = [...this.#trees.values()].flatMap((tree) => tree.members.map(processKey));
    this.#options.inventory.setFrozen(new Set(keys));
  }
}

function inside(groups: readonly Cgroup[], stats: ReadonlyMap<number, ProcessStat>): ProcessRef[] {
  return groups.flatMap(pidsIn).flatMap((pid) => stats.get(pid) ?? []);
}

/** A tree as the target that it was taken for. */
function targetOf({ target, label, freezes, evidence, members }: FrozenTree): [string, FreezeTarget] {
  return [target, { key: target, label, freezes, evidence, roots: members }];
}
