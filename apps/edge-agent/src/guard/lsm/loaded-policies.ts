import type { GuardList, Unexpressed } from '../guard-policy.ts';
import type { EncodedPolicy } from './encode-policy.ts';
import type { GuardPrograms } from './guard-programs.ts';
import { type MapName, uint32 } from './layout.ts';

/** A check that began with the former policy has ended by then. */
const RETIRED_AFTER_MS = 1000;
const TABLES = ['inodes', 'names', 'affixes'] as const;

export interface LoadedPolicy {
  readonly number: number;
  readonly lists: readonly GuardList[];
  readonly unexpressed: readonly Unexpressed[];
}

/**
 * Policies in the kernel's maps. A new one is written in full beside the one in force; then one word decides which
 * holds, and the former goes.
 */
export class LoadedPolicies {
  readonly #programs: GuardPrograms;
  readonly #loaded = new Map<number, LoadedPolicy>();
  /** Of each group. */
  readonly #assigned = new Map<number, number>();
  readonly #retiring = new Set<NodeJS.Timeout>();
  #last: number;

  constructor(programs: GuardPrograms) {
    this.#programs = programs;
    const numbers = programs
      .map('policies')
      .keys()
      .map((key) => key.readUInt32LE());
    this.#last = Math.max(0, ...numbers);
  }

  load(encoded: EncodedPolicy): LoadedPolicy {
    const number = ++this.#last;
    for (const [key, value] of encoded.table.inodes(number)) this.#programs.map('inodes').set(key, value);
    for (const [key, value] of encoded.table.names(number)) this.#programs.map('names').set(key, value);
    for (const [key, value] of encoded.table.affixes(number)) this.#programs.map('affixes').set(key, value);
    this.#programs.map('policies').set(uint32(number), encoded.value);
    const loaded = { number, lists: encoded.lists, unexpressed: encoded.unexpressed };
    this.#loaded.set(number, loaded);
    return loaded;
  }

  assign(group: number, { number }: LoadedPolicy): void {
    const before =
      this.#assigned.get(group) ?? this.#programs.map('assigned').get(uint32(group))?.readUInt32LE();
    this.#programs.map('assigned').set(uint32(group), uint32(number));
    this.#assigned.set(group, number);
    if (before !== undefined && before !== number) this.#retireUnused(before);
  }

  unassign(group: number): void {
    const before = this.#assigned.get(group);
    this.#assigned.delete(group);
    this.#programs.map('assigned').set(uint32(group), uint32(0));
    if (before !== undefined) this.#retireUnused(before);
  }

  get(number: number): LoadedPolicy | undefined {
    return this.#loaded.get(number);
  }

  /** What an earlier agent left that holds for nobody. To be called once all groups have been assigned again. */
  dropForeign(groups: readonly number[]): void {
    const used = new Set(
      groups.map((group) => this.#programs.map('assigned').get(uint32(group))?.readUInt32LE()),
    );
    for (const key of this.#programs.map('policies').keys()) {
      const number = key.readUInt32LE();
      if (!used.has(number) && !this.#loaded.has(number)) this.#drop(number);
    }
  }

  stop(): void {
    for (const timer of this.#retiring) clearTimeout(timer);
  }

  #retireUnused(number: number): void {
    if (number === 0 || [...this.#assigned.values()].includes(number)) return;
    const timer = setTimeout(() => {
      this.#retiring.delete(timer);
      if (![...this.#assigned.values()].includes(number)) this.#drop(number);
    }, RETIRED_AFTER_MS);
    timer.unref();
    this.#retiring.add(timer);
  }

  #drop(number: number): void {
    this.#loaded.delete(number);
    this.#programs.map('policies').delete(uint32(number));
    for (const name of TABLES) this.#dropFrom(name, number);
  }

  #dropFrom(name: MapName, number: number): void {
    const map = this.#programs.map(name);
    // In all three, the policy's number is where `affixKey` and `inodeKey` put it.
    const at = name === 'affixes' ? 4 : 0;
    for (const key of map.keys()) if (key.readUInt32LE(at) === number) map.delete(key);
  }
}
