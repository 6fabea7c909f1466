import { createHash } from 'node:crypto';
import { type BigIntStats, constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorCode } from './procfs.ts';

/** Larger executables are not hashed: nobody may keep the agent busy by starting a file of many gigabytes. */
export const MAX_HASHED_BYTES = 1024n * 1024n * 1024n;
const MAX_CACHED = 4096;
const CONCURRENT = 2;

export type HashOutcome =
  | { state: 'hashed'; sha256: string }
  | { state: 'pending'; done: Promise<void> }
  | { state: 'failed'; reason: string };

interface Running {
  /** Processes that run the file. Any of them may end before it could be opened through it. */
  paths: Set<string>;
  done: Promise<void>;
}

/**
 * SHA-256 of executables, in the background, once per file.
 *
 * The cache key is device, inode, size, modification and change time: the change time cannot be set back by
 * utimes(2), so a file edited in place never keeps its old hash.
 */
export class ExecutableHasher {
  readonly #results = new Map<string, { sha256: string } | { reason: string }>();
  readonly #running = new Map<string, Running>();
  #active = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param path where to read the bytes: /proc/PID/exe, which reaches deleted and renamed files as well.
   * @param stats of that same path.
   */
  hash(path: string, stats: BigIntStats): HashOutcome {
    if (stats.size > MAX_HASHED_BYTES) {
      return {
        state: 'failed',
        reason: `executable is larger than ${MAX_HASHED_BYTES >> 20n} MiB, not hashed`,
      };
    }
    const key = fileKey(stats);
    const known = this.#results.get(key);
    if (known !== undefined) {
      // Re-inserted so that the oldest key of the map is the one unused for longest.
      this.#results.delete(key);
      this.#results.set(key, known);
      return 'sha256' in known ? { state: 'hashed', sha256: known.sha256 } : { state: 'failed', ...known };
    }
    const running = this.#running.get(key) ?? this.#start(key);
    running.paths.add(path);
    return { state: 'pending', done: running.done };
  }

  #start(key: string): Running {
    const paths = new Set<string>();
    const running = { paths, done: this.#run(key, paths) };
    this.#running.set(key, running);
    return running;
  }

  async #run(key: string, paths: ReadonlySet<string>): Promise<void> {
    await this.#slot();
    try {
      // Also visits paths added meanwhile.
      for (const path of paths) {
        const result = await hashFile(key, path);
        if (result === undefined) continue;
        this.#remember(key, result);
        break;
      }
    } finally {
      this.#running.delete(key);
      this.#active -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #slot(): Promise<void> {
    while (this.#active >= CONCURRENT) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#active += 1;
  }

  #remember(key: string, result: { sha256: string } | { reason: string }): void {
    this.#results.set(key, result);
    for (const oldest of this.#results.keys()) {
      if (this.#results.size <= MAX_CACHED) break;
      this.#results.delete(oldest);
    }
  }
}

/**
 * @returns undefined when the process ended or replaced its program meanwhile, or somebody keeps others from the file
 *   now: there is nothing to remember
 */
async function hashFile(
  key: string,
  path: string,
): Promise<{ sha256: string } | { reason: string } | undefined> {
  try {
    // O_NONBLOCK: what has become a pipe since, or is under a lease (fcntl(2)), would be waited for.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    if (fileKey(await file.stat({ bigint: true })) !== key) return undefined;
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
    }
    // Written to while it was read (possible once nobody executes it any more): not a hash of anything.
    if (fileKey(await file.stat({ bigint: true })) !== key) return undefined;
    return { sha256: hash.digest('hex') };
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EAGAIN') return undefined;
    return { reason: `executable cannot be read (${code})` };
  }
}

function fileKey(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}
