import { listProcDirectory, readProcLink } from '../discovery/procfs.ts';
import { readStat } from '../discovery/stat.ts';

/** A process that holds a socket, and where. */
export interface Holder {
  pid: number;
  /** Clock ticks since boot. */
  startTime: number;
  fd: string;
}

/** Sockets remembered; the ones unused for longest go first. */
const MAX_REMEMBERED = 16_384;

/**
 * Who holds which socket. What was seen on the way to one socket is remembered for the next, and nothing that is
 * remembered is believed without another look.
 */
export class Descriptors {
  readonly #seen = new Map<string, Holder>();
  /** Descriptors that were sockets when their process was last looked through. */
  readonly #known = new Map<number, Set<string>>();

  /** Where this socket was last time, when it still is. */
  remembered(inode: string): Holder | undefined {
    const holder = this.#seen.get(inode);
    if (holder === undefined) return undefined;
    if (stillHolds(holder, inode)) return holder;
    this.#seen.delete(inode);
    return undefined;
  }

  /**
   * Looks through one process. A socket nobody has seen is behind a descriptor nobody has seen, most of the time:
   * those come first, so that a process with thousands of sockets costs little when it opens another one.
   */
  lookThrough(pid: number, inode: string): Holder | undefined {
    const listed = listProcDirectory(`/proc/${pid}/fd`);
    const stat = readStat(pid);
    if (!listed.ok || stat === undefined) {
      this.#known.delete(pid);
      return undefined;
    }
    const before = this.#known.get(pid) ?? new Set<string>();
    const fresh = listed.value.filter((fd) => !before.has(fd));
    const sockets = new Set(listed.value.filter((fd) => before.has(fd)));
    this.#known.set(pid, sockets);
    const rest = [...sockets];
    for (const fd of [...fresh, ...rest]) {
      const target = readProcLink(`/proc/${pid}/fd/${fd}`);
      const found = target.ok ? /^socket:\[(\d+)\]$/.exec(target.value)?.[1] : undefined;
      if (found === undefined) {
        sockets.delete(fd);
        continue;
      }
      sockets.add(fd);
      const holder = { pid, startTime: stat.startTime, fd };
      this.#remember(found, holder);
      if (found === inode && stillHolds(holder, inode)) return holder;
    }
    return undefined;
  }

  /** Forgets processes that ended. */
  keepOnly(pids: ReadonlySet<number>): void {
    for (const pid of this.#known.keys()) if (!pids.has(pid)) this.#known.delete(pid);
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
export function stillHolds({ pid, startTime, fd }: Holder, inode: string): boolean {
  const current = readProcLink(`/proc/${pid}/fd/${fd}`);
  return current.ok && current.value === `socket:[${inode}]` && readStat(pid)?.startTime === startTime;
}
