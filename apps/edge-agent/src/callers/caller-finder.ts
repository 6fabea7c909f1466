import { statSync } from 'node:fs';
import { listPids } from '../discovery/procfs.ts';
import { type Connection, callersEnds } from './connection.ts';
import { ControlGroups } from './control-groups.ts';
import { Descriptors, type Holder, stillHolds } from './descriptors.ts';
import { type LookupPath, SocketLookup } from './socket-lookup.ts';

export interface FoundCaller {
  pid: number;
  /** Clock ticks since boot. */
  startTime: number;
  /** Inode of its socket. */
  socket: string;
}

/** How often each search was what found a process, or ended without one. */
export interface SearchCounts {
  /** Where this socket was found before. */
  remembered: number;
  /** At the next descriptor of a process that called lately. */
  guessed: number;
  /** Processes that called lately. */
  callers: number;
  aiAgents: number;
  controlGroup: number;
  user: number;
  everything: number;
  nobody: number;
  /** Searches of everything that were refused because there were too many. */
  limited: number;
}

export interface CallerFinderOptions {
  /** pids of known AI agents */
  preferred?: () => Iterable<number>;
  /** `false`: as on a machine where netlink may not be used. */
  netlink?: boolean;
}

type Search = readonly [name: keyof SearchCounts, pids: readonly number[]];

const MAX_RECENT_CALLERS = 8;
const GUESSED_DESCRIPTORS = 3;
/** Whoever keeps the search of all processes busy must not keep the proxy from its work. */
const MAX_FULL_SEARCHES_PER_SECOND = 10;

/**
 * Finds the process at the other end of a connection on this machine.
 *
 * The kernel names the socket, its user and its control group. Which process holds it, it does not say; so the
 * likely ones are looked at first, and all of them only as a last resort.
 */
export class CallerFinder {
  readonly #preferred: () => Iterable<number>;
  readonly #lookup: SocketLookup;
  readonly #groups = new ControlGroups();
  readonly #descriptors = new Descriptors();
  readonly #counts: SearchCounts = {
    remembered: 0,
    guessed: 0,
    callers: 0,
    aiAgents: 0,
    controlGroup: 0,
    user: 0,
    everything: 0,
    nobody: 0,
    limited: 0,
  };
  /** Latest first. */
  #callers: readonly Holder[] = [];
  #window = { startedAt: 0, searches: 0 };

  constructor({ preferred = () => [], netlink = true }: CallerFinderOptions = {}) {
    this.#preferred = preferred;
    this.#lookup = new SocketLookup(netlink);
  }

  get counts(): Readonly<SearchCounts> {
    return this.#counts;
  }

  get path(): LookupPath {
    return this.#lookup.path;
  }

  /** @returns undefined when the socket is closed, of another machine, or of a process that may not be examined */
  find(connection: Connection): FoundCaller | undefined {
    const ends = callersEnds(connection);
    const socket = ends === undefined ? undefined : this.#lookup.find(ends);
    if (socket === undefined) return undefined;
    const holder = this.#search(socket);
    if (holder === undefined) return undefined;
    return { pid: holder.pid, startTime: holder.startTime, socket: socket.inode };
  }

  close(): void {
    this.#lookup.close();
  }

  #search({ inode, uid, cgroupId }: NonNullable<ReturnType<SocketLookup['find']>>): Holder | undefined {
    const known = this.#descriptors.remembered(inode);
    if (known !== undefined) {
      this.#counts.remembered += 1;
      return known;
    }
    const guessed = this.#guess(inode);
    if (guessed !== undefined) {
      this.#counts.guessed += 1;
      this.#noteCaller(guessed);
      return guessed;
    }
    // The highest numbers are the newest processes, until numbers begin again.
    const newestFirst = (list: number[]): number[] => list.toSorted((a, b) => b - a);
    let pids: number[] | undefined;
    const all = (): number[] => {
      pids ??= newestFirst(listPids());
      return pids;
    };
    const likely: Search[] = [
      ['callers', this.#callers.map(({ pid }) => pid)],
      ['aiAgents', [...this.#preferred()]],
      ['controlGroup', cgroupId === undefined ? [] : newestFirst(this.#groups.processesOf(cgroupId))],
    ];
    const found =
      this.#among(likely, inode) ??
      this.#among([['user', all().filter((pid) => ownerOf(pid) === uid)]], inode) ??
      this.#among([['everything', this.#mayLookAtEverything() ? all() : []]], inode);
    if (found !== undefined) {
      this.#noteCaller(found);
      return found;
    }
    this.#counts.nobody += 1;
    if (pids !== undefined) this.#descriptors.keepOnly(new Set(pids));
    return undefined;
  }

  /** A new socket gets the lowest free number: the one that the last socket had, or one of the next. */
  #guess(inode: string): Holder | undefined {
    for (const { pid, startTime, fd } of this.#callers) {
      for (let ahead = 0; ahead < GUESSED_DESCRIPTORS; ahead += 1) {
        const holder = { pid, startTime, fd: String(Number(fd) + ahead) };
        if (stillHolds(holder, inode)) return holder;
      }
    }
    return undefined;
  }

  /** First what is new in each of them, which is little to read; then everything they hold. */
  #among(searches: readonly Search[], inode: string): Holder | undefined {
    for (const depth of ['fresh', 'all'] as const) {
      const seen = new Set<number>();
      for (const [name, pids] of searches) {
        for (const pid of pids) {
          if (seen.has(pid)) continue;
          seen.add(pid);
          const holder = this.#descriptors.lookThrough(pid, inode, depth);
          if (holder === undefined) continue;
          this.#counts[name] += 1;
          return holder;
        }
      }
    }
    return undefined;
  }

  #noteCaller(holder: Holder): void {
    const others = this.#callers.filter(({ pid }) => pid !== holder.pid);
    this.#callers = [holder, ...others].slice(0, MAX_RECENT_CALLERS);
  }

  #mayLookAtEverything(): boolean {
    const now = performance.now();
    if (now - this.#window.startedAt >= 1000) this.#window = { startedAt: now, searches: 0 };
    this.#window.searches += 1;
    if (this.#window.searches <= MAX_FULL_SEARCHES_PER_SECOND) return true;
    this.#counts.limited += 1;
    return false;
  }
}

/** The effective user; root where a process has made itself unreadable. */
function ownerOf(pid: number): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
}
