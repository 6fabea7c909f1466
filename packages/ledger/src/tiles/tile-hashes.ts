import { RaypherError } from '@raypher/shared/errors';
import { HASH_BYTES, nodeHash } from '../merkle/hash.ts';
import type { Sha256 } from '../primitives/primitives.ts';
import type { TileId } from './tile-id.ts';
import { tilePath } from './tile-path.ts';

/**
 * Tiles only grow to the right, so a wider one serves a narrower request.
 *
 * @throws RaypherError `ledger/malformed` when there are fewer hashes than the tile has
 */
export function assertHashes(id: TileId, bytes: Uint8Array): void {
  if (bytes.length >= id.width * HASH_BYTES && bytes.length % HASH_BYTES === 0) return;
  const message = `${tilePath(id)} has ${bytes.length} bytes, which are not ${id.width} hashes.`;
  throw new RaypherError('ledger/malformed', message, { details: { ...id } });
}

/** The first `width` hashes of a tile. */
export function hashesOf(id: TileId, bytes: Uint8Array): Uint8Array[] {
  assertHashes(id, bytes);
  return Array.from({ length: id.width }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

/** The root over a power of two of hashes. */
export function perfectRoot(hashes: readonly Uint8Array[], sha256?: Sha256): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let at = 0; at < row.length; at += 2) {
      const [left, right] = [row[at], row[at + 1]];
      if (left === undefined || right === undefined) throw new RangeError('Not a power of two.');
      above.push(nodeHash(left, right, sha256));
    }
    row = above;
  }
  const [root] = row;
  if (root === undefined) throw new RangeError('There is no root over nothing.');
  return root;
}
