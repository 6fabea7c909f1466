import { assertTreeSize } from '../merkle/tree-size.ts';

/** Hashes in a full tile: a tile is a subtree of height 8 (c2sp.org/tlog-tiles). */
export const TILE_WIDTH = 256;

export interface TileId {
  /** 0 has leaf hashes; each hash of level n is the root of a full tile of level n - 1. */
  level: number;
  /** Of the tile within its level. */
  index: number;
  /** How many hashes it has, 1..256. */
  width: number;
}

/** How many hashes a log of this size has at a level. */
export function hashesAtLevel(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** The tiles of a log of this size, bottom level first: full ones, and at most one partial tile in each level. */
export function* tilesOf(size: number): Generator<TileId> {
  assertTreeSize(size);
  for (let level = 0; hashesAtLevel(size, level) > 0; level += 1) {
    for (const { index, width } of bundlesOf(hashesAtLevel(size, level))) yield { level, index, width };
  }
}

/** The entry bundles of a log of this size: as many as it has tiles at level 0. */
export function* bundlesOf(size: number): Generator<{ index: number; width: number }> {
  assertTreeSize(size);
  for (let start = 0; start < size; start += TILE_WIDTH) {
    yield { index: start / TILE_WIDTH, width: Math.min(TILE_WIDTH, size - start) };
  }
}

/** The partial tiles of a log of this size, bottom level first: what has to be read to make it grow. */
export function partialTilesOf(size: number): TileId[] {
  assertTreeSize(size);
  const tiles: TileId[] = [];
  for (let level = 0; hashesAtLevel(size, level) > 0; level += 1) {
    const count = hashesAtLevel(size, level);
    const width = count % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: (count - width) / TILE_WIDTH, width });
  }
  return tiles;
}
