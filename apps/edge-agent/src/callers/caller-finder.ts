import { statSync } from 'node:fs';
import { listPids } from '../discovery/procfs.ts';
import { type Connection, callersEnds } from './connection.ts';
import { ControlGroups } from './control-groups.ts';
import { Descriptors, type Holder } from './descriptors.ts';
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
  remembered: number;
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
    aiAgents: 0,
    controlGroup: 0,
    user: 0,
    everything: 0,
    nobody: 0,
    limited: 0,
  };
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
    const seen = new Set<number>();
    const among = (pids: Iterable<number>): Holder | undefined => {
      for (const pid of pids) {
        if (seen.has(pid)) continue;
        seen.add(pid);
        const holder = this.#descriptors.lookThrough(pid, inode);
        if (holder !== undefined) return holder;
      }
      return undefined;
    };
    // The highest numbers are the newest processes, until numbers begin again.
    const newestFirst = (pids: number[]): number[] => pids.toSorted((a, b) => b - a);
    let pids: number[] | undefined;
    const all = (): number[] => {
      pids ??= newestFirst(listPids());
      return pids;
    };
    const searches: [keyof SearchCounts, () => Iterable<number>][] = [
      ['aiAgents', this.#preferred],
      ['controlGroup', () => (cgroupId === undefined ? [] : newestFirst(this.#groups.processesOf(cgroupId)))],
      ['user', () => all().filter((pid) => ownerOf(pid) === uid)],
      ['everything', () => (this.#mayLookAtEverything() ? all() : [])],
    ];
    for (const [name, candidates] of searches) {
      const holder = among(candidates());
      if (holder === undefined) continue;
      this.#counts[name] += 1;
      return holder;
    }
    this.#counts.nobody += 1;
    if (pids !== undefined) this.#descriptors.keepOnly(new Set(pids));
    return undefined;
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
