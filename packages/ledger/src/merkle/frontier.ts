import type { Sha256 } from '../primitives/primitives.ts';
import { foldSubtrees, HASH_BYTES, nodeHash } from './hash.ts';
import { assertTreeSize, perfectSizes } from './tree-size.ts';

/**
 * What a log has to remember to grow: the roots of the perfect subtrees it is made of (a compact range from 0).
 * Never more than 53 hashes; appending costs one hash on average. Immutable, so that a failed transaction leaves
 * the old one valid.
 */
export class Frontier {
  static readonly EMPTY = new Frontier(0, []);

  /** Entries in the log. */
  readonly size: number;
  /** Roots of the perfect subtrees, largest first: one for each bit that is set in `size`. */
  readonly hashes: readonly Uint8Array[];

  private constructor(size: number, hashes: readonly Uint8Array[]) {
    this.size = size;
    this.hashes = hashes;
  }

  /** @throws RangeError when these are not as many hashes of 32 bytes as a log of this size has perfect subtrees */
  static of(size: number, hashes: readonly Uint8Array[]): Frontier {
    assertTreeSize(size);
    if (hashes.length !== perfectSizes(size).length || hashes.some(({ length }) => length !== HASH_BYTES)) {
      throw new RangeError(`A log of ${size} entries has ${perfectSizes(size).length} subtrees of 32 bytes.`);
    }
    return size === 0 ? Frontier.EMPTY : new Frontier(size, hashes);
  }

  /** With one more entry; `leaf` is its leaf hash. */
  append(leaf: Uint8Array, sha256?: Sha256): Frontier {
    assertTreeSize(this.size + 1);
    if (leaf.length !== HASH_BYTES) throw new RangeError('A leaf hash has 32 bytes.');
    const hashes = this.hashes.slice();
    let right = leaf;
    for (let rest = this.size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = hashes.pop();
      if (left !== undefined) right = nodeHash(left, right, sha256);
    }
    hashes.push(right);
    return new Frontier(this.size + 1, hashes);
  }

  /** The root of the log (RFC 6962 §2.1). */
  root(sha256?: Sha256): Uint8Array {
    return foldSubtrees(this.hashes, sha256);
  }
}
