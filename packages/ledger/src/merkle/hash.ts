import { hexToBytes } from '@noble/hashes/utils.js';
import { portablePrimitives } from '../primitives/portable-primitives.ts';
import type { Sha256 } from '../primitives/primitives.ts';

export const HASH_BYTES = 32;

/** The root of a log without entries: SHA-256 of nothing (RFC 6962 §2.1). */
export const EMPTY_ROOT: Uint8Array = hexToBytes(
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
);

/** The one input of nodeHash: it does not wait for anything, so nobody else writes into it meanwhile. */
const node = new Uint8Array(1 + 2 * HASH_BYTES);
node[0] = 0x01;

/** RFC 6962 §2.1: SHA-256(0x00 ‖ data). */
export function leafHash(data: Uint8Array, sha256: Sha256 = portablePrimitives.sha256): Uint8Array {
  const input = new Uint8Array(1 + data.length);
  input.set(data, 1);
  return sha256(input);
}

/** RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right), both 32 bytes. */
export function nodeHash(
  left: Uint8Array,
  right: Uint8Array,
  sha256: Sha256 = portablePrimitives.sha256,
): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new RangeError('A hash has 32 bytes.');
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
}

/** The root over perfect subtrees, largest first: what is left of each is joined from the right. */
export function foldSubtrees(hashes: readonly Uint8Array[], sha256?: Sha256): Uint8Array {
  return hashes.length === 0
    ? EMPTY_ROOT
    : hashes.reduceRight((right, left) => nodeHash(left, right, sha256));
}
