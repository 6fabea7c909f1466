import { concatBytes } from '@noble/hashes/utils.js';
import { Frontier } from '../merkle/frontier.ts';
import { HASH_BYTES } from '../merkle/hash.ts';
import { assertTreeSize, perfectSizes } from '../merkle/tree-size.ts';
import type { Sha256 } from '../primitives/primitives.ts';
import { hashesOf, perfectRoot } from './tile-hashes.ts';
import { hashesAtLevel, partialTilesOf, TILE_WIDTH, type TileId } from './tile-id.ts';

export interface Extension {
  /** Entries the log has now. */
  size: number;
  /** Leaf hashes of the entries that come next. */
  leaves: readonly Uint8Array[];
  /** The hashes of a tile, one after the other; a wider tile will do. Asked once for each partial tile there is. */
  readTile: (id: TileId) => Promise<Uint8Array>;
  sha256?: Sha256;
}

export interface ExtendedLog {
  size: number;
  root: Uint8Array;
  frontier: Frontier;
  /** What is to be stored: every tile that is new, or wider than it was. `hashes` are concatenated. */
  tiles: { id: TileId; hashes: Uint8Array }[];
}

/**
 * Lets a log grow. Full tiles are never read again: what it costs depends on the number of new leaves, with at most
 * 255 hashes more per level for the partial tiles that were there.
 */
export async function extendTiles({ size, leaves, readTile, sha256 }: Extension): Promise<ExtendedLog> {
  const newSize = size + leaves.length;
  assertTreeSize(size);
  assertTreeSize(newSize);
  if (leaves.some(({ length }) => length !== HASH_BYTES)) throw new RangeError('A leaf hash has 32 bytes.');
  const partial = await readPartialTiles(size, readTile);

  const tiles: ExtendedLog['tiles'] = [];
  const subtrees: Uint8Array[] = [];
  let added = leaves;
  for (let level = 0; hashesAtLevel(newSize, level) > 0; level += 1) {
    const old = partial.get(level) ?? [];
    const first = (hashesAtLevel(size, level) - old.length) / TILE_WIDTH;
    const row = [...old, ...added];
    const above: Uint8Array[] = [];
    for (let start = 0; start < row.length; start += TILE_WIDTH) {
      const hashes = row.slice(start, start + TILE_WIDTH);
      const id = { level, index: first + start / TILE_WIDTH, width: hashes.length };
      if (added.length > 0) tiles.push({ id, hashes: concatBytes(...hashes) });
      if (hashes.length === TILE_WIDTH) above.push(perfectRoot(hashes, sha256));
      else subtrees.unshift(...perfectSubtrees(hashes, sha256));
    }
    added = above;
  }
  const frontier = Frontier.of(newSize, subtrees);
  return { size: newSize, root: frontier.root(sha256), frontier, tiles };
}

async function readPartialTiles(
  size: number,
  readTile: Extension['readTile'],
): Promise<Map<number, Uint8Array[]>> {
  const read = partialTilesOf(size).map(
    async (id) => [id.level, hashesOf(id, await readTile(id))] satisfies [number, Uint8Array[]],
  );
  return new Map(await Promise.all(read));
}

/** The roots of the perfect subtrees of fewer than 256 hashes, largest first. */
function perfectSubtrees(hashes: readonly Uint8Array[], sha256?: Sha256): Uint8Array[] {
  let start = 0;
  return perfectSizes(hashes.length).map((size) => {
    const root = perfectRoot(hashes.slice(start, start + size), sha256);
    start += size;
    return root;
  });
}
