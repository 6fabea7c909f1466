import { TILE_WIDTH, type TileId } from './tile-id.ts';

/** The path of a tile, as c2sp.org/tlog-tiles writes it: index 1234067 of level 0 is `tile/0/x001/x234/067`. */
export function tilePath({ level, index, width }: TileId): string {
  if (!Number.isInteger(level) || level < 0 || level > MAX_LEVEL) throw new RangeError(`No level ${level}.`);
  return `tile/${level}/${indexPath(index, width)}`;
}

/** The path of an entry bundle: `tile/entries/…`. */
export function entryBundlePath(index: number, width: number): string {
  return `tile/entries/${indexPath(index, width)}`;
}

/** The tile that a path names; undefined when it is not exactly the path of one. */
export function parseTilePath(path: string): TileId | undefined {
  const [, level, rest] = /^tile\/(0|[1-9]\d?)\/(.+)$/.exec(path) ?? [];
  const place = rest === undefined ? undefined : parseIndexPath(rest);
  return place === undefined || Number(level) > MAX_LEVEL ? undefined : { level: Number(level), ...place };
}

/** The entry bundle that a path names; undefined when it is not exactly the path of one. */
export function parseEntryBundlePath(path: string): { index: number; width: number } | undefined {
  const [, rest] = /^tile\/entries\/(.+)$/.exec(path) ?? [];
  return rest === undefined ? undefined : parseIndexPath(rest);
}

const MAX_LEVEL = 63;

function indexPath(index: number, width: number): string {
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`No tile ${index}.`);
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) throw new RangeError(`No width ${width}.`);
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const elements = digits.match(/\d{3}/g) ?? [];
  const path = elements.map((three, at) => (at === elements.length - 1 ? three : `x${three}`)).join('/');
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

function parseIndexPath(path: string): { index: number; width: number } | undefined {
  const [, start, last, width] = /^((?:x\d{3}\/)*)(\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path) ?? [];
  if (start === undefined || last === undefined) return undefined;
  const place = {
    index: Number(start.replaceAll(/[x/]/g, '') + last),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  if (!Number.isSafeInteger(place.index) || place.width > TILE_WIDTH) return undefined;
  // One tile, one path: no zeros in front, no `.p/256`.
  return indexPath(place.index, place.width) === path ? place : undefined;
}
