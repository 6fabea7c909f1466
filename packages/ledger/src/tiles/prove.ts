import { EMPTY_ROOT, foldSubtrees } from '../merkle/hash.ts';
import { assertTreeSize } from '../merkle/tree-size.ts';
import type { Sha256 } from '../primitives/primitives.ts';
import { hashesAtLevel, TILE_WIDTH, type TileId } from './tile-id.ts';
import { TileTree } from './tile-tree.ts';
import { consistencyRanges, inclusionRanges, perfectParts, type TreeRange } from './tree-ranges.ts';

/**
 * The hashes of tiles, concatenated, in the order asked for: one question for one proof. A tile may come wider than
 * it was asked for. The same array for the same tile saves hashing, so it must not be written to.
 */
export type ReadTiles = (ids: readonly TileId[]) => Promise<readonly Uint8Array[]>;

/**
 * The inclusion proof of an entry in the log of `size` entries (RFC 6962 §2.1.1).
 *
 * @throws RangeError when there is no such entry
 * @throws RaypherError `ledger/malformed` when a tile is shorter than the log needs it
 */
export async function proveInclusion(
  index: number,
  size: number,
  readTiles: ReadTiles,
  sha256?: Sha256,
): Promise<Uint8Array[]> {
  assertTreeSize(size);
  assertTreeSize(index, 'index');
  if (index >= size) throw new RangeError(`A log of ${size} entries has no entry ${index}.`);
  return await nodesOf(inclusionRanges(index, size), size, readTiles, sha256);
}

/**
 * The proof that the log of `to` entries begins with all of the log of `from` entries (RFC 6962 §2.1.2); empty
 * between equal sizes and from 0.
 *
 * @throws RangeError when `from` is larger than `to`
 * @throws RaypherError `ledger/malformed` when a tile is shorter than the log needs it
 */
export async function proveConsistency(
  from: number,
  to: number,
  readTiles: ReadTiles,
  sha256?: Sha256,
): Promise<Uint8Array[]> {
  assertTreeSize(from, 'from');
  assertTreeSize(to, 'to');
  if (from > to) throw new RangeError(`A log does not shrink from ${from} to ${to} entries.`);
  if (from === 0 || from === to) return [];
  return await nodesOf(consistencyRanges(from, to), to, readTiles, sha256);
}

/**
 * The root that the log had when it had `size` entries, from the tiles of what it is now.
 *
 * @throws RangeError when it never had as many
 * @throws RaypherError `ledger/malformed` when a tile is shorter than the log needs it
 */
export async function rootAt(
  size: number,
  logSize: number,
  readTiles: ReadTiles,
  sha256?: Sha256,
): Promise<Uint8Array> {
  assertTreeSize(size);
  assertTreeSize(logSize, 'logSize');
  if (size > logSize) throw new RangeError(`A log of ${logSize} entries never had ${size}.`);
  const [root = EMPTY_ROOT] =
    size === 0 ? [] : await nodesOf([{ start: 0, end: size }], logSize, readTiles, sha256);
  return root;
}

/** A perfect subtree lies within one tile: which, and which of its hashes it is the root over. */
interface Place {
  id: TileId;
  key: string;
  first: number;
  count: number;
}

async function nodesOf(
  ranges: readonly TreeRange[],
  size: number,
  readTiles: ReadTiles,
  sha256?: Sha256,
): Promise<Uint8Array[]> {
  const nodes = ranges.map((range) => perfectParts(range).map((part) => placeOf(part, size)));
  const ids = new Map(nodes.flat().map(({ key, id }) => [key, id]));
  if (ids.size === 0) return [];
  const tiles = await readTiles([...ids.values()]);
  const trees = new Map(
    [...ids].map(([key, id], at) => [key, TileTree.of(id, tiles[at] ?? new Uint8Array())]),
  );
  return nodes.map((places) =>
    foldSubtrees(
      places.flatMap(({ key, first, count }) => trees.get(key)?.root(first, count, sha256) ?? []),
      sha256,
    ),
  );
}

function placeOf({ start, end }: TreeRange, size: number): Place {
  let level = 0;
  while (TILE_WIDTH ** (level + 1) <= end - start) level += 1;
  const span = TILE_WIDTH ** level;
  const index = Math.floor(start / (span * TILE_WIDTH));
  const width = Math.min(TILE_WIDTH, hashesAtLevel(size, level) - index * TILE_WIDTH);
  return {
    id: { level, index, width },
    key: `${level}/${index}`,
    first: start / span - index * TILE_WIDTH,
    count: (end - start) / span,
  };
}
