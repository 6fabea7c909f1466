import { RaypherError } from '@raypher/shared/errors';
import type { Sha256 } from '../primitives/primitives.ts';
import { type ReadTiles, rootAt } from '../tiles/prove.ts';
import { tilePath } from '../tiles/tile-path.ts';

const KEPT_ROOTS = 256;

/** The roots that the log of an export had when it was smaller, from its tiles; those asked for last are kept. */
export class PastRoots {
  readonly #size: number;
  readonly #readTiles: ReadTiles;
  readonly #sha256: Sha256;
  readonly #roots = new Map<number, Uint8Array>();

  /** @param size of the log */
  constructor(size: number, read: (path: string) => Promise<Uint8Array | undefined>, sha256: Sha256) {
    this.#size = size;
    this.#readTiles = (ids) =>
      Promise.all(ids.map(async (id) => (await read(tilePath(id))) ?? new Uint8Array()));
    this.#sha256 = sha256;
  }

  /** Undefined where the log never had as many entries, or a tile is missing, which is a fault of its own. */
  async at(size: number): Promise<Uint8Array | undefined> {
    if (size > this.#size) return undefined;
    const known = this.#roots.get(size);
    if (known !== undefined) return known;
    try {
      const root = await rootAt(size, this.#size, this.#readTiles, this.#sha256);
      const [oldest] = this.#roots.keys();
      if (oldest !== undefined && this.#roots.size >= KEPT_ROOTS) this.#roots.delete(oldest);
      this.#roots.set(size, root);
      return root;
    } catch (error) {
      if (!(error instanceof RaypherError && error.code === 'ledger/malformed')) throw error;
      return undefined;
    }
  }
}
