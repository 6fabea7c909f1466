import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from './procfs.ts';

const DEADLINE_MS = 500;
/** A network mount that hangs is waited for this often in one examination, not once for each file. */
const MOST_LATE = 4;

/**
 * Files as one process sees them. A process in a container has another root; its files are reached through
 * /proc/PID/root.
 */
export class FileView {
  readonly #root: string;
  #late = 0;

  /** @param root "" for this process's own root */
  constructor(root = '') {
    this.#root = root;
  }

  static ofProcess(pid: number, sharesRoot: boolean): FileView {
    return new FileView(sharesRoot ? '' : `/proc/${pid}/root`);
  }

  /** A file did not come in time: what was looked for may be there. */
  get isLate(): boolean {
    return this.#late > 0;
  }

  /**
   * The text of a regular file of at most `limit` bytes; undefined when there is none. Scripts and manifests are
   * chosen by those who are watched: a pipe, a device, a huge file or a hanging network mount must not stop the agent.
   */
  async readText(path: string, limit: number): Promise<string | undefined> {
    return this.#inTime(() => readRegular(join(this.#root, path), limit));
  }

  async isFile(path: string): Promise<boolean> {
    const task = (): Promise<boolean> =>
      stat(join(this.#root, path)).then(
        (stats) => stats.isFile(),
        (error: unknown) => {
          if (errorCode(error) === undefined) throw error;
          return false;
        },
      );
    return (await this.#inTime(task)) ?? false;
  }

  /** The path without symbolic links. Inside another root links are left as they are: they would lead out of it. */
  async resolve(path: string): Promise<string | undefined> {
    if (this.#root !== '') return path;
    return this.#inTime(() =>
      realpath(path).catch((error: unknown) => {
        if (errorCode(error) === undefined) throw error;
        return undefined;
      }),
    );
  }

  async #inTime<T>(start: () => Promise<T | undefined>): Promise<T | undefined> {
    if (this.#late >= MOST_LATE) return undefined;
    let isDone = false;
    const task = start().finally(() => {
      isDone = true;
    });
    const late = Promise.withResolvers<undefined>();
    // What has come is taken first, where this thread was too busy to notice.
    const timer = setTimeout(() => setImmediate(() => late.resolve(undefined)), DEADLINE_MS);
    try {
      const result = await Promise.race([task, late.promise]);
      if (!isDone) this.#late += 1;
      return result;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function readRegular(path: string, limit: number): Promise<string | undefined> {
  try {
    // O_NONBLOCK: opening a pipe would otherwise wait for its writer.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > limit) return undefined;
    const buffer = Buffer.alloc(Math.min(limit, stats.size));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}
