import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Frontier } from '../merkle/frontier.ts';
import { naiveRoot, numberedLeaves } from '../merkle/naive-tree.test-support.ts';
import { nodePrimitives } from '../node/node-primitives.ts';
import { extendTiles } from './extend-tiles.ts';
import { tilesOf } from './tile-id.ts';
import { tilePath } from './tile-path.ts';
import { TileStore } from './tile-store.test-support.ts';

const LEAVES = numberedLeaves(70_000);

describe('a log that grows', () => {
  it('in random pieces has the tiles, root and frontier of one that was there at once', async () => {
    const pieces = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(pieces, async (lengths) => {
        const total = lengths.reduce((sum, length) => sum + length, 0);
        const [grown, atOnce] = [new TileStore(), new TileStore()];
        for (const length of lengths) await grown.grow(LEAVES.slice(grown.size, grown.size + length));
        const log = await atOnce.grow(LEAVES.slice(0, total));
        expect(grown.contents()).toEqual(atOnce.contents());
        const again = await grown.grow([]);
        const appended = LEAVES.slice(0, total).reduce((one, leaf) => one.append(leaf), Frontier.EMPTY);
        for (const { size, root, frontier } of [log, again]) {
          expect([size, hexOf(root)]).toEqual([total, hexOf(appended.root())]);
          expect(frontier.hashes.map(hexOf)).toEqual(appended.hashes.map(hexOf));
        }
        expect(again.tiles).toEqual([]);
        expect(Buffer.from(log.root)).toEqual(naiveRoot(LEAVES.slice(0, total)));
      }),
      { numRuns: 15 },
    );
  });

  it('has exactly the tiles of its size, past a second level of full ones', async () => {
    const { sha256 } = nodePrimitives;
    const log = await extendTiles({ size: 0, leaves: LEAVES, readTile: new TileStore().readTile, sha256 });
    expect(log.tiles.map(({ id }) => tilePath(id))).toEqual([...tilesOf(LEAVES.length)].map(tilePath));
    expect(log.tiles.every(({ id, hashes }) => hashes.length === id.width * 32)).toBe(true);
    expect(Buffer.from(log.root)).toEqual(naiveRoot(LEAVES));
  });

  it('reads partial tiles alone, each once, and gives only what is new or wider', async () => {
    const store = new TileStore();
    await store.grow(LEAVES.slice(0, 3 * 256 + 10));
    store.readPaths = [];
    const { tiles } = await store.grow(LEAVES.slice(store.size, store.size + 5));
    expect(store.readPaths).toEqual(['tile/0/003.p/10', 'tile/1/000.p/3']);
    expect(tiles.map(({ id }) => tilePath(id))).toEqual(['tile/0/003.p/15']);
  });

  it('takes a wider tile than it asked for', async () => {
    const wide = new TileStore();
    await wide.grow(LEAVES.slice(0, 500));
    const { root } = await extendTiles({
      size: 300,
      leaves: LEAVES.slice(300, 400),
      readTile: wide.readTile,
    });
    expect(Buffer.from(root)).toEqual(naiveRoot(LEAVES.slice(0, 400)));
  });

  it('refuses a tile that is too short', async () => {
    const readTile = async () => new Uint8Array(32 * 9);
    await expect(extendTiles({ size: 10, leaves: [], readTile })).rejects.toMatchObject({
      code: 'ledger/malformed',
    });
  });
});

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
