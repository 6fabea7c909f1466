import { concatBytes } from '@noble/hashes/utils.js';
import { equalBytes } from '../merkle/equal-bytes.ts';
import { Frontier } from '../merkle/frontier.ts';
import { foldSubtrees } from '../merkle/hash.ts';
import type { Sha256 } from '../primitives/primitives.ts';
import { TILE_WIDTH } from '../tiles/tile-id.ts';
import { tilePath } from '../tiles/tile-path.ts';
import type { FaultLog } from './fault-log.ts';

interface Level {
  /** Over the hashes of the tile that is being filled. */
  frontier: Frontier;
  hashes: Uint8Array[];
  /** Of that tile. */
  index: number;
}

/**
 * Rebuilds the tree from its leaves, one hash for each, with one tile of each level in memory; compares every tile
 * above level 0 with what the export has.
 */
export class TreeWalk {
  readonly #levels: Level[] = [];
  readonly #read: (path: string) => Promise<Uint8Array | undefined>;
  readonly #faults: FaultLog;
  readonly #sha256: Sha256;
  size = 0;

  constructor(read: (path: string) => Promise<Uint8Array | undefined>, faults: FaultLog, sha256: Sha256) {
    this.#read = read;
    this.#faults = faults;
    this.#sha256 = sha256;
  }

  /** Takes the next leaf hash. */
  async add(leaf: Uint8Array): Promise<void> {
    this.size += 1;
    let hash = leaf;
    for (let number = 0; ; number += 1) {
      const level = this.#level(number);
      level.frontier = level.frontier.append(hash, this.#sha256);
      level.hashes.push(hash);
      if (level.hashes.length < TILE_WIDTH) return;
      await this.#compare(number, level);
      hash = level.frontier.root(this.#sha256);
      this.#levels[number] = { frontier: Frontier.EMPTY, hashes: [], index: level.index + 1 };
    }
  }

  /** The root at the size so far. */
  root(): Uint8Array {
    const subtrees = this.#levels.toReversed().flatMap(({ frontier }) => frontier.hashes);
    return foldSubtrees(subtrees, this.#sha256);
  }

  /** At the end of the log: compares the tiles that are not full. */
  async finish(): Promise<void> {
    for (const [number, level] of this.#levels.entries()) {
      if (level.hashes.length > 0) await this.#compare(number, level);
    }
  }

  #level(number: number): Level {
    const level = this.#levels[number] ?? { frontier: Frontier.EMPTY, hashes: [], index: 0 };
    this.#levels[number] = level;
    return level;
  }

  /** Level 0 was compared with the entries themselves. */
  async #compare(number: number, { hashes, index }: Level): Promise<void> {
    if (number === 0) return;
    const path = tilePath({ level: number, index, width: hashes.length });
    const stored = await this.#read(path);
    if (stored !== undefined && equalBytes(stored, concatBytes(...hashes))) return;
    const detail =
      stored === undefined
        ? 'A tile of the tree is missing.'
        : 'A tile of the tree does not have the hashes of what is below it.';
    const first = hashes.findIndex(
      (hash, at) => !equalBytes(stored?.subarray(at * 32, at * 32 + 32) ?? hash, hash),
    );
    const span = TILE_WIDTH ** number;
    const start = (index * TILE_WIDTH + first) * span;
    this.#faults.add({
      code: stored === undefined ? 'truncated' : 'tile-mismatch',
      path,
      ...(first < 0 ? {} : { index: start, upTo: start + span }),
      detail,
    });
  }
}
