import { setImmediate as breathe } from 'node:timers/promises';
import { listPids, listProcDirectory, readProcLink } from '../discovery/procfs.ts';
import { readStat } from '../discovery/stat.ts';
import type { ProcessRef } from './running-program.ts';

/** Descriptors looked at before others get their turn. */
const BREATHE_EVERY = 100;
/** A process that passes its socket on is seen within this time. */
const MAX_AGE_MS = 1000;

interface Sweep {
  startedAt: number;
  holders: ReadonlyMap<string, readonly ProcessRef[]>;
}

/**
 * All processes that hold a socket. Whoever inherits a socket, or is handed one, can speak through it; so one
 * allowed process among the holders is not enough.
 *
 * Everything is looked at, once for all who ask at the same time.
 */
export class SocketHolders {
  readonly #maxAgeMs: number;
  #last: Sweep | undefined;
  #running: Promise<Sweep> | undefined;

  constructor(maxAgeMs = MAX_AGE_MS) {
    this.#maxAgeMs = maxAgeMs;
  }

  /** @param inode of the socket */
  async of(inode: string): Promise<readonly ProcessRef[]> {
    const known = this.#last?.holders.get(inode);
    if (known !== undefined && performance.now() - (this.#last?.startedAt ?? 0) < this.#maxAgeMs)
      return known;
    const asked = performance.now();
    // One that is under way may have passed by before the socket was there; the next one has not.
    let sweep = await (this.#running ?? this.#start());
    if (sweep.startedAt < asked) sweep = await (this.#running ?? this.#start());
    return sweep.holders.get(inode) ?? [];
  }

  #start(): Promise<Sweep> {
    this.#running = sweepAll().then(
      (sweep) => {
        this.#last = sweep;
        this.#running = undefined;
        return sweep;
      },
      (error: unknown) => {
        this.#running = undefined;
        throw error;
      },
    );
    return this.#running;
  }
}

async function sweepAll(): Promise<Sweep> {
  const startedAt = performance.now();
  const holders = new Map<string, ProcessRef[]>();
  let looked = 0;
  for (const pid of listPids()) {
    const descriptors = listProcDirectory(`/proc/${pid}/fd`);
    const stat = descriptors.ok && descriptors.value.length > 0 ? readStat(pid) : undefined;
    if (!descriptors.ok || stat === undefined) continue;
    for (const fd of descriptors.value) {
      looked += 1;
      if (looked % BREATHE_EVERY === 0) await breathe();
      const target = readProcLink(`/proc/${pid}/fd/${fd}`);
      const inode = target.ok ? /^socket:\[(\d+)\]$/.exec(target.value)?.[1] : undefined;
      if (inode === undefined) continue;
      const list = holders.get(inode) ?? [];
      if (list.at(-1)?.pid !== pid) list.push({ pid, startTime: stat.startTime });
      holders.set(inode, list);
    }
  }
  return { startedAt, holders };
}
