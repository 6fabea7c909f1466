import { nodePrimitives } from '../node/node-primitives.ts';
import { extendTiles } from './extend-tiles.ts';
import type { TileId } from './tile-id.ts';
import { tilePath } from './tile-path.ts';

/** Tiles as a log keeps them: the widest of each place. */
export class TileStore {
  size = 0;
  /** Paths of what was read since `readPaths` was last emptied, and how often somebody asked. */
  readPaths: string[] = [];
  questions = 0;
  readonly #tiles = new Map<string, Uint8Array>();

  readonly readTile = async (id: TileId): Promise<Uint8Array> => {
    this.readPaths.push(tilePath(id));
    const hashes = this.#tiles.get(placeOf(id));
    if (hashes === undefined) throw new Error(`There is no ${tilePath(id)}.`);
    return hashes;
  };

  readonly readTiles = async (ids: readonly TileId[]): Promise<Uint8Array[]> => {
    this.questions += 1;
    return await Promise.all(ids.map(this.readTile));
  };

  async grow(leaves: readonly Uint8Array[]) {
    const { sha256 } = nodePrimitives;
    const log = await extendTiles({ size: this.size, leaves, readTile: this.readTile, sha256 });
    for (const { id, hashes } of log.tiles) this.#tiles.set(placeOf(id), hashes);
    this.size = log.size;
    return log;
  }

  /** Every tile, by its place. */
  contents(): Record<string, string> {
    return Object.fromEntries(
      [...this.#tiles].sort().map(([place, hashes]) => [place, Buffer.from(hashes).toString('base64')]),
    );
  }
}

function placeOf({ level, index }: TileId): string {
  return `${level}/${index}`;
}
