import { closeSync, fdatasync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { configure } from './database.ts';

const syncData = promisify(fdatasync);

/**
 * A second connection to `agent.db`, for what every call writes. Its transactions are in the hands of the system when
 * they return, so that they survive the end of this process, however it ends; on the disk, so that they survive the
 * machine, they are once {@link BufferedStore.flushed} resolves. Waiting for a disk takes milliseconds, in which nothing
 * else would go on.
 */
export class BufferedStore {
  readonly db: DatabaseSync;
  readonly #log: string;
  #file: number | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param path of a store that `openDatabase` has opened, and keeps open */
  constructor(path: string) {
    this.#log = `${path}-wal`;
    this.db = new DatabaseSync(path);
    configure(this.db);
    // The log is not waited for with each commit (https://www.sqlite.org/wal.html#performance_considerations).
    this.db.exec('PRAGMA synchronous = NORMAL');
  }

  /** Resolves when everything that was written so far is on the disk. @throws what the disk says */
  flushed(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#sync().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    // What runs may have begun before the last write; one more serves all who come meanwhile.
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.flushed();
      });
    return this.#next;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.db.close();
  }

  /** The file stays the same while a connection to the store is open; the first transaction makes it. */
  async #sync(): Promise<void> {
    this.#file ??= openSync(this.#log, 'r');
    await syncData(this.#file);
  }
}
