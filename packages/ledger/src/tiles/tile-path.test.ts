import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundlesOf, tilesOf } from './tile-id.ts';
import { entryBundlePath, parseEntryBundlePath, parseTilePath, tilePath } from './tile-path.ts';

const place = { index: fc.maxSafeNat(), width: fc.integer({ min: 1, max: 256 }) };

describe('the path of a tile', () => {
  it('is what c2sp.org/tlog-tiles says', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 2, index: 0, width: 17 })).toBe('tile/2/000.p/17');
    expect(entryBundlePath(999, 256)).toBe('tile/entries/999');
    expect(entryBundlePath(1_000, 1)).toBe('tile/entries/x001/000.p/1');
  });

  it('names its tile, and one tile has one path', () => {
    fc.assert(
      fc.property(fc.record({ level: fc.nat(63), ...place }), (id) => {
        expect(parseTilePath(tilePath(id))).toEqual(id);
        expect(parseEntryBundlePath(entryBundlePath(id.index, id.width))).toEqual({
          index: id.index,
          width: id.width,
        });
      }),
    );
  });

  it.each([
    '0',
    '1000',
    'x000/001',
    '000.p/0',
    '000.p/256',
    '000.p/01',
    '000/',
    '000.p/1/',
    '001/000',
    'x001',
    '../000',
    'x999/x999/x999/x999/x999/999',
    '000\n',
  ])('%j is no place of a tile', (place) => {
    expect(parseTilePath(`tile/0/${place}`)).toBeUndefined();
    expect(parseEntryBundlePath(`tile/entries/${place}`)).toBeUndefined();
  });

  it.each(['tile/00/000', 'tile/64/000', 'tile/-1/000', '/tile/0/000', 'tile/entries/000'])(
    '%j is no tile',
    (path) => {
      expect(parseTilePath(path)).toBeUndefined();
    },
  );
});

describe('a log has the tiles', () => {
  it('of the example in c2sp.org/tlog-tiles', () => {
    const tiles = [...tilesOf(70_000)];
    const partial = tiles.filter(({ width }) => width < 256);
    expect(tiles.filter(({ level, width }) => level === 0 && width === 256)).toHaveLength(273);
    expect(partial).toEqual([
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect([...bundlesOf(70_000)]).toHaveLength(274);
    expect([...tilesOf(256)]).toEqual([
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ]);
    expect([...tilesOf(0)]).toEqual([]);
  });
});
