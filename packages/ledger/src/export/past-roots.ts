import { RaypherError } from '@raypher/shared/errors';
import { EMPTY_ROOT } from '../merkle/hash.ts';
import { verifyConsistency } from '../merkle/verify-consistency.ts';
import type { Checkpoint } from '../note/checkpoint.ts';
import type { Sha256 } from '../primitives/primitives.ts';
import { proveConsistency, type ReadTiles, rootAt } from '../tiles/prove.ts';
import { tilePath } from '../tiles/tile-path.ts';
import type { FaultLog } from './fault-log.ts';

const KEPT_ROOTS = 256;

type LogHead = Pick<Checkpoint, 'size' | 'root'>;

/**
 * The roots that the log of an export had when it was smaller, from its tiles; those asked for last are kept. Tiles are
 * read again for it, so each root is proven to lead to the newest one: whoever can change files meanwhile proves nothing.
 */
export class PastRoots {
  readonly #newest: LogHead | undefined;
  readonly #readTiles: ReadTiles;
  readonly #faults: FaultLog;
  readonly #sha256: Sha256;
  readonly #roots = new Map<number, Uint8Array | undefined>();

  /** @param newest the log's head */
  constructor(
    newest: LogHead | undefined,
    read: (path: string) => Promise<Uint8Array | undefined>,
    faults: FaultLog,
    sha256: Sha256,
  ) {
    this.#newest = newest;
    this.#readTiles = (ids) =>
      Promise.all(ids.map(async (id) => (await read(tilePath(id))) ?? new Uint8Array()));
    this.#faults = faults;
    this.#sha256 = sha256;
  }

  /** Undefined where the log never had as many entries, or its tiles do not show what it was, which is a fault. */
  async at(size: number): Promise<Uint8Array | undefined> {
    if (this.#newest === undefined || size > this.#newest.size) return undefined;
    if (size === 0) return EMPTY_ROOT;
    if (this.#roots.has(size)) return this.#roots.get(size);
    const root = await this.#prove(size, this.#newest);
    if (root === undefined) {
      const detail = `The tiles do not show that the log grew from ${size} entries to what it is.`;
      this.#faults.add({ code: 'tile-mismatch', index: 0, upTo: size, detail });
    }
    const [oldest] = this.#roots.keys();
    if (oldest !== undefined && this.#roots.size >= KEPT_ROOTS) this.#roots.delete(oldest);
    this.#roots.set(size, root);
    return root;
  }

  async #prove(from: number, { size: to, root: toRoot }: LogHead): Promise<Uint8Array | undefined> {
    const sha256 = this.#sha256;
    try {
      const fromRoot = await rootAt(from, to, this.#readTiles, sha256);
      const proof = await proveConsistency(from, to, this.#readTiles, sha256);
      return verifyConsistency({ from, to, proof, fromRoot, toRoot }, sha256) ? fromRoot : undefined;
    } catch (error) {
      if (!(error instanceof RaypherError && error.code === 'ledger/malformed')) throw error;
      return undefined;
    }
  }
}
