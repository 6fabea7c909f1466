import { HASH_BYTES, nodeHash } from '../merkle/hash.ts';
import type { Sha256 } from '../primitives/primitives.ts';
import { assertHashes } from './tile-hashes.ts';
import type { TileId } from './tile-id.ts';

/** Of tiles that somebody keeps; they go when the tile goes. */
const kept = new WeakMap<Uint8Array, TileTree>();

/**
 * The nodes within a tile, made when they are wanted. Whoever keeps tiles in memory and gives the same array for a tile
 * again has them made once: a proof then takes hardly any hashing. Nodes take up to four times the memory of the tile.
 */
export class TileTree {
  readonly #bytes: Uint8Array;
  /** By where they begin and how many hashes they are over. */
  readonly #nodes = new Map<number, Uint8Array>();

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @throws RaypherError `ledger/malformed` when these bytes are fewer hashes than the tile has */
  static of(id: TileId, bytes: Uint8Array): TileTree {
    assertHashes(id, bytes);
    const tree = kept.get(bytes) ?? new TileTree(bytes);
    kept.set(bytes, tree);
    return tree;
  }

  /** The root over `count` hashes, a power of two, from `first` on, which is a multiple of it. */
  root(first: number, count: number, sha256?: Sha256): Uint8Array {
    if (count === 1) return this.#bytes.subarray(first * HASH_BYTES, (first + 1) * HASH_BYTES);
    const place = first * 512 + count;
    const known = this.#nodes.get(place);
    if (known !== undefined) return known;
    const half = count / 2;
    const node = nodeHash(this.root(first, half, sha256), this.root(first + half, half, sha256), sha256);
    this.#nodes.set(place, node);
    return node;
  }
}
