import { listProcDirectory, readProcLink } from '../discovery/procfs.ts';
import { readStat } from '../discovery/stat.ts';

/** A process that holds a socket, and where. */
export interface Holder {
  pid: number;
  /** Clock ticks since boot. */
  startTime: number;
  /** Where /proc lists its descriptors. */
  folder: string;
  fd: string;
}

/** Descriptors between two looks at the clock. */
const CLOCK_EVERY = 64;
/** Sockets remembered; the ones unused for longest go first. */
const MAX_REMEMBERED = 16_384;

/**
 * Who holds which socket. What was seen on the way to one socket is remembered for the next, and nothing that is
 * remembered is believed without another look.
 */
export class Descriptors {
  readonly #seen = new Map<string, Holder>();
  /** Descriptors that were there when their process was last looked through. */
  readonly #known = new Map<number, { startTime: number; descriptors: ReadonlySet<string> }>();

  /** Where this socket was last time, when it still is. */
  remembered(inode: string): Holder | undefined {
    const holder = this.#seen.get(inode);
    if (holder === undefined) return undefined;
    if (stillHolds(holder, inode)) return holder;
    this.#seen.delete(inode);
    return undefined;
  }

  /**
   * Looks through one process.
   *
   * @param depth `fresh`: only descriptors that were not there last time. A new socket is behind one of them,
   *   unless it got the number of a closed one.
   * @param until time of `performance.now()` after which it is given up
   */
  lookThrough(pid: number, inode: string, depth: 'fresh' | 'all', until: number): Holder | undefined {
    let folder = `/proc/${pid}/fd`;
    let listed = listProcDirectory(folder);
    const stat = listed.ok ? readStat(pid) : undefined;
    if (stat !== undefined && stat.shownUnder !== pid) {
      folder = `/proc/${pid}/task/${stat.shownUnder}/fd`;
      listed = listProcDirectory(folder);
    }
    if (!listed.ok || stat === undefined) {
      this.#known.delete(pid);
      return undefined;
    }
    const before = this.#known.get(pid);
    const known = before?.startTime === stat.startTime ? before.descriptors : new Set<string>();
    this.#known.set(pid, { startTime: stat.startTime, descriptors: new Set(listed.value) });
    for (const [index, fd] of listed.value.entries()) {
      if (depth === 'fresh' && known.has(fd)) continue;
      if (index % CLOCK_EVERY === 0 && performance.now() > until) {
        this.#stopAt({ pid, startTime: stat.startTime }, listed.value, index, known);
        return undefined;
      }
      const target = readProcLink(`${folder}/${fd}`);
      const found = target.ok ? /^socket:\[(\d+)\]$/.exec(target.value)?.[1] : undefined;
      if (found === undefined) continue;
      const holder = { pid, startTime: stat.startTime, folder, fd };
      this.#remember(found, holder);
      // The rest is as good as unseen: it was not read.
      if (found !== inode || !stillHolds(holder, inode)) continue;
      this.#stopAt(holder, listed.value, index + 1, known);
      return holder;
    }
    return undefined;
  }

  /** Forgets processes that ended. */
  keepOnly(pids: ReadonlySet<number>): void {
    for (const pid of this.#known.keys()) if (!pids.has(pid)) this.#known.delete(pid);
  }

  #stopAt(
    { pid, startTime }: Pick<Holder, 'pid' | 'startTime'>,
    listed: readonly string[],
    read: number,
    known: ReadonlySet<string>,
  ): void {
    const descriptors = new Set([...listed.filter((fd) => known.has(fd)), ...listed.slice(0, read)]);
    this.#known.set(pid, { startTime, descriptors });
  }

  #remember(inode: string, holder: Holder): void {
    this.#seen.delete(inode);
    this.#seen.set(inode, holder);
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= MAX_REMEMBERED) break;
      this.#seen.delete(oldest);
    }
  }
}

/** The descriptor leads to this socket, and the process is the one that was meant. */
export function stillHolds({ pid, startTime, folder, fd }: Holder, inode: string): boolean {
  const current = readProcLink(`${folder}/${fd}`);
  return current.ok && current.value === `socket:[${inode}]` && readStat(pid)?.startTime === startTime;
}
