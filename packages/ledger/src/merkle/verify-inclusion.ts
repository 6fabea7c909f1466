import type { Sha256 } from '../primitives/primitives.ts';
import { equalBytes } from './equal-bytes.ts';
import { HASH_BYTES, nodeHash } from './hash.ts';

export interface InclusionClaim {
  /** Of the entry, from 0. */
  index: number;
  /** Of the log that `root` is of. */
  size: number;
  /** The entry's leaf hash. */
  leaf: Uint8Array;
  /** From the leaf's sibling to the root's child. */
  proof: readonly Uint8Array[];
  root: Uint8Array;
}

/** Whether the entry is in the log with this root (RFC 9162 §2.1.3.2). What is no proof at all is `false`, too. */
export function verifyInclusion(
  { index, size, leaf, proof, root }: InclusionClaim,
  sha256?: Sha256,
): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  if (![leaf, root, ...proof].every(({ length }) => length === HASH_BYTES)) return false;
  let [position, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash, sha256);
      while (position % 2 === 0 && position !== 0) [position, last] = [half(position), half(last)];
    } else {
      hash = nodeHash(hash, sibling, sha256);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 && equalBytes(hash, root);
}

function half(number: number): number {
  return Math.floor(number / 2);
}
