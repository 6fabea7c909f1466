import type { FileOperation } from '../guard-policy.ts';
import { FILE_OPERATIONS } from '../guard-policy.ts';
import {
  affixKey,
  type Inode,
  inodeKey,
  nameKey,
  RANK_NONE,
  RANKS_BYTES,
  REACHES,
  type Reach,
  rankOffset,
  WORDS_BYTES,
} from './layout.ts';

/** A rule as ranks are written for it. */
export interface RankedRule {
  readonly list: number;
  /** Smaller for a rule that was written earlier; odd where it denies. */
  readonly rank: number;
  readonly operations: readonly FileOperation[];
}

interface Affix {
  readonly text: string;
  readonly backwards: boolean;
  readonly ranks: Buffer;
}

/** All that one policy says about files and names, ready for the maps. */
export class RankTable {
  readonly #inodes = new Map<string, { inode: Inode; ranks: Buffer }>();
  readonly #names = new Map<string, { folder: Inode | undefined; name: string; ranks: Buffer }>();
  readonly #affixes = new Map<string, Affix>();
  hasNamesBelow = false;

  addInode(inode: Inode, reach: Reach, rule: RankedRule): void {
    const key = `${inode.dev}:${inode.ino}`;
    const entry = this.#inodes.get(key) ?? { inode, ranks: noRanks() };
    this.#inodes.set(key, entry);
    write(entry.ranks, reach, rule);
  }

  addName(folder: Inode | undefined, name: string, reach: Reach, rule: RankedRule): void {
    const key = `${folder?.dev ?? 0}:${folder?.ino ?? 0}:${name}`;
    const entry = this.#names.get(key) ?? { folder, name, ranks: noRanks() };
    this.#names.set(key, entry);
    write(entry.ranks, reach, rule);
    if (reach !== 'self') this.hasNamesBelow = true;
  }

  addAffix(text: string, backwards: boolean, rule: RankedRule): void {
    const key = `${backwards}:${text}`;
    const entry = this.#affixes.get(key) ?? { text, backwards, ranks: noRanks() };
    this.#affixes.set(key, entry);
    write(entry.ranks, 'self', rule);
  }

  get hasNames(): boolean {
    return this.#names.size > 0;
  }

  get hasAffixes(): boolean {
    return this.#affixes.size > 0;
  }

  inodes(policy: number): [key: Buffer, value: Buffer][] {
    return [...this.#inodes.values()].map(({ inode, ranks }) => [inodeKey(policy, inode), ranks]);
  }

  names(policy: number): [key: Buffer, value: Buffer][] {
    return [...this.#names.values()].map(({ folder, name, ranks }) => [nameKey(policy, folder, name), ranks]);
  }

  /** The kernel finds the longest only: a longer one also says what the shorter ones in it say. */
  affixes(policy: number): [key: Buffer, value: Buffer][] {
    const all = [...this.#affixes.values()];
    return all.map(({ text, backwards, ranks }) => {
      const within = all.filter(
        (other) =>
          other.backwards === backwards &&
          (backwards ? text.endsWith(other.text) : text.startsWith(other.text)),
      );
      return [
        affixKey(policy, text, backwards),
        within.reduce((sum, other) => smaller(sum, other.ranks), ranks),
      ];
    });
  }
}

/** What rules that match any file say, and defaults; written into a policy. */
export function writeRank(words: Buffer, offset: number, { list, rank, operations }: RankedRule): void {
  for (const operation of operations) {
    const at = offset + rankOffset(FILE_OPERATIONS.indexOf(operation), list);
    words.writeUInt16LE(Math.min(rank, words.readUInt16LE(at)), at);
  }
}

/** Words where no rule says anything. */
export function noRanks(bytes = RANKS_BYTES): Buffer {
  const words = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 2) words.writeUInt16LE(RANK_NONE, at);
  return words;
}

function write(ranks: Buffer, reach: Reach, rule: RankedRule): void {
  writeRank(ranks, REACHES[reach] * WORDS_BYTES, rule);
}

function smaller(a: Buffer, b: Buffer): Buffer {
  const result = Buffer.from(a);
  for (let at = 0; at < result.length; at += 2) {
    result.writeUInt16LE(Math.min(a.readUInt16LE(at), b.readUInt16LE(at)), at);
  }
  return result;
}
