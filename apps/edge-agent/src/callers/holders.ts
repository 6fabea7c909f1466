import { setImmediate as breathe, setTimeout as delay } from 'node:timers/promises';
import { listPids, listProcDirectory, readProcLink } from '../discovery/procfs.ts';
import { readStat } from '../discovery/stat.ts';
import { shareDescriptors } from '../native/file-tables.ts';
import type { ProcessRef } from './running-program.ts';

/** Descriptors and threads looked at before others get their turn. */
const BREATHE_EVERY = 100;
/** A process that passes its socket on is seen within this time. */
const MAX_AGE_MS = 1000;
/** Whoever opens connection after connection must not keep the agent searching. */
const SPACING_MS = 250;

interface Sweep {
  startedAt: number;
  holders: ReadonlyMap<string, readonly ProcessRef[]>;
}

/**
 * All processes that hold a socket. Whoever inherits a socket, or is handed one, can speak through it; so one
 * allowed process among the holders is not enough.
 *
 * Everything is looked at, once for all who ask at the same time, and at most half of the time.
 */
export class SocketHolders {
  readonly #maxAgeMs: number;
  readonly #spacingMs: number;
  #last: Sweep | undefined;
  #running: Promise<Sweep> | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;
  #sweeps = 0;

  constructor({ maxAgeMs = MAX_AGE_MS, spacingMs = SPACING_MS } = {}) {
    this.#maxAgeMs = maxAgeMs;
    this.#spacingMs = spacingMs;
  }

  /** How often everything was looked at. */
  get sweeps(): number {
    return this.#sweeps;
  }

  /** Who held it lately; undefined when that has to be found out. @param inode of the socket */
  recent(inode: string): readonly ProcessRef[] | undefined {
    const { startedAt, holders } = this.#last ?? { startedAt: Number.NEGATIVE_INFINITY, holders: undefined };
    return performance.now() - startedAt < this.#maxAgeMs ? holders?.get(inode) : undefined;
  }

  /** @param inode of the socket */
  async of(inode: string): Promise<readonly ProcessRef[]> {
    const known = this.recent(inode);
    if (known !== undefined) return known;
    const asked = performance.now();
    for (;;) {
      this.#running ??= this.#sweep().finally(() => {
        this.#running = undefined;
      });
      const sweep = await this.#running;
      // One that was under way may have passed by before the socket was there; the next one has not.
      if (sweep.startedAt >= asked) return sweep.holders.get(inode) ?? [];
    }
  }

  async #sweep(): Promise<Sweep> {
    const rest = this.#notBefore - performance.now();
    if (rest > 0) await delay(rest);
    this.#sweeps += 1;
    const sweep = await sweepAll();
    const endedAt = performance.now();
    this.#last = sweep;
    this.#notBefore = Math.max(sweep.startedAt + this.#spacingMs, 2 * endedAt - sweep.startedAt);
    return sweep;
  }
}

async function sweepAll(): Promise<Sweep> {
  const startedAt = performance.now();
  const holders = new Map<string, ProcessRef[]>();
  let looked = 0;
  for (const pid of listPids()) {
    const threads = listProcDirectory(`/proc/${pid}/task`);
    const stat = threads.ok ? readStat(pid) : undefined;
    if (!threads.ok || stat === undefined || stat.kernelThread) continue;
    for (const thread of threads.value) {
      looked += 1;
      if (looked % BREATHE_EVERY === 0) await breathe();
      // The first thread's table is the process's, and almost always that of all the others.
      if (thread !== String(pid) && shareDescriptors(pid, Number(thread)) === true) continue;
      const folder = `/proc/${pid}/task/${thread}/fd`;
      const descriptors = listProcDirectory(folder);
      if (!descriptors.ok) continue;
      for (const fd of descriptors.value) {
        looked += 1;
        if (looked % BREATHE_EVERY === 0) await breathe();
        const target = readProcLink(`${folder}/${fd}`);
        const inode = target.ok ? /^socket:\[(\d+)\]$/.exec(target.value)?.[1] : undefined;
        if (inode === undefined) continue;
        const list = holders.get(inode) ?? [];
        if (list.at(-1)?.pid !== pid) list.push({ pid, startTime: stat.startTime });
        holders.set(inode, list);
      }
    }
  }
  return { startedAt, holders };
}
