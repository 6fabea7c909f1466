import { TILE_WIDTH, type TileId } from '@raypher/ledger';

/** Where the archive of an organisation is, with a slash at the end: an export as docs/ledger-format.md describes it. */
export function archiveFolder(organisationId: string): string {
  return `ledger/${organisationId}/`;
}

export interface Range {
  from: number;
  /** Not in it any more. */
  to: number;
}

/** Bundles of entries that a log of `to` entries has and one of `from` had not, or had narrower. */
export function* newBundles({ from, to }: Range): Generator<{ index: number; width: number }> {
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < to; index += 1) {
    yield { index, width: Math.min(TILE_WIDTH, to - index * TILE_WIDTH) };
  }
}

/** Tiles that a log of `to` entries has and one of `from` had not, or had narrower. */
export function* newTiles({ from, to }: Range): Generator<TileId> {
  let [before, now] = [from, to];
  for (let level = 0; now > 0; level += 1) {
    if (now > before) for (const bundle of newBundles({ from: before, to: now })) yield { level, ...bundle };
    [before, now] = [Math.floor(before / TILE_WIDTH), Math.floor(now / TILE_WIDTH)];
  }
}

/** The bundle that has an entry, in a log of so many. */
export function bundleOf(index: number, size: number): { index: number; width: number } {
  const bundle = Math.floor(index / TILE_WIDTH);
  return { index: bundle, width: Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH) };
}
