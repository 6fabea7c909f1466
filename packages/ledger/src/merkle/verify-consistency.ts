import type { Sha256 } from '../primitives/primitives.ts';
import { equalBytes } from './equal-bytes.ts';
import { HASH_BYTES, nodeHash } from './hash.ts';

export interface ConsistencyClaim {
  /** Size of the older log, at least 1: from nothing to something there is nothing to prove. */
  from: number;
  /** Size of the newer log. */
  to: number;
  proof: readonly Uint8Array[];
  fromRoot: Uint8Array;
  toRoot: Uint8Array;
}

/** Whether the newer log begins with all of the older one (RFC 9162 §2.1.4.2). */
export function verifyConsistency(
  { from, to, proof, fromRoot, toRoot }: ConsistencyClaim,
  sha256?: Sha256,
): boolean {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || from > to) return false;
  if (from === to) return proof.length === 0 && equalBytes(fromRoot, toRoot);
  if (![fromRoot, toRoot, ...proof].every(({ length }) => length === HASH_BYTES)) return false;
  // A perfect older tree is a node of the newer one, and the proof leaves it out.
  const [start, ...path] = isPowerOfTwo(from) ? [fromRoot, ...proof] : proof;
  if (start === undefined || path.length === 0) return false;
  let [position, last] = [from - 1, to - 1];
  while (position % 2 === 1) [position, last] = [half(position), half(last)];
  let [older, newer] = [start, start];
  for (const hash of path) {
    if (last === 0) return false;
    if (position % 2 === 1 || position === last) {
      older = nodeHash(hash, older, sha256);
      newer = nodeHash(hash, newer, sha256);
      while (position % 2 === 0 && position !== 0) [position, last] = [half(position), half(last)];
    } else {
      newer = nodeHash(newer, hash, sha256);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 && equalBytes(older, fromRoot) && equalBytes(newer, toRoot);
}

function isPowerOfTwo(number: number): boolean {
  let rest = number;
  while (rest % 2 === 0) rest /= 2;
  return rest === 1;
}

function half(number: number): number {
  return Math.floor(number / 2);
}
