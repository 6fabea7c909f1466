import { createHash } from 'node:crypto';

const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** RFC 6962 §2.1. */
export const hashLeaf = (entry: Uint8Array): Buffer => sha256(Buffer.of(0), entry);
const hashChildren = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.of(1), left, right);

/** Hash of a whole entry, lower-case hex: what the next of its chain has as `prev`. */
export const hashEntry = (entry: Uint8Array): string => sha256(entry).toString('hex');

/**
 * A tree that grows leaf by leaf. It keeps the hashes that tiles hold of it: those of the levels 0, 8, 16, …, and the
 * right edge, from which the root follows.
 */
export class GrowingTree {
  size = 0;
  /** Hash of the perfect subtree of 2^i leaves at the right edge, where there is one. */
  readonly #edge: (Buffer | undefined)[] = [];
  /** By level of tiles: every hash of that level so far. */
  readonly #levels: Buffer[][] = [];

  add(leaf: Buffer): void {
    this.size += 1;
    let hash = leaf;
    for (let height = 0; ; height += 1) {
      if (height % 8 === 0) {
        this.#levels[height / 8] ??= [];
        this.#levels[height / 8]?.push(hash);
      }
      const left = this.#edge[height];
      if (left === undefined) {
        this.#edge[height] = hash;
        return;
      }
      this.#edge[height] = undefined;
      hash = hashChildren(left, hash);
    }
  }

  root(): Buffer {
    // From the smallest subtree to the largest, each on the left of what is there.
    return (
      this.#edge.reduce<Buffer | undefined>(
        (right, left) =>
          left === undefined ? right : right === undefined ? left : hashChildren(left, right),
        undefined,
      ) ?? sha256()
    );
  }

  /** The tiles of c2sp.org/tlog-tiles: their paths, and the hashes in them. */
  *tiles(): Generator<[path: string, hashes: Buffer]> {
    for (const [level, hashes] of this.#levels.entries()) {
      for (let start = 0; start < hashes.length; start += 256) {
        const width = Math.min(256, hashes.length - start);
        yield [
          tilePath(String(level), start / 256, width),
          Buffer.concat(hashes.slice(start, start + width)),
        ];
      }
    }
  }
}

/** `tile/L/N[.p/W]`: N in groups of three digits, all but the last with an x before them. */
export function tilePath(level: string, index: number, width: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const groups = digits.match(/.../g) ?? [];
  const name = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${name}${width === 256 ? '' : `.p/${width}`}`;
}
