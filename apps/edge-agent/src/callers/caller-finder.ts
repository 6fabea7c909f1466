import { statSync } from 'node:fs';
import { listPids } from '../discovery/procfs.ts';
import { addressBytes, type Connection, callersEnds } from './connection.ts';
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

/** Whose socket it is, as far as anybody says. */
export interface SocketOwner {
  /** Undefined: nobody holds it any more, or who does was not found in time. */
  process: { pid: number; startTime: number } | undefined;
  /** Who created it. */
  uid: number;
  /** Control group (version 2) in which it was created; undefined where the kernel does not say. */
  cgroupId: bigint | undefined;
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
  /** Searches that were given up because they took too long, or did not begin because there were too many. */
  limited: number;
}

export interface CallerFinderOptions {
  /** pids of known AI agents */
  preferred?: () => Iterable<number>;
  /** `false`: as on a machine where netlink may not be used. */
  netlink?: boolean;
  /** Longest search, milliseconds. */
  searchMs?: number;
}

type Search = readonly [name: keyof SearchCounts, pids: readonly number[]];

const MAX_RECENT_CALLERS = 8;
const GUESSED_DESCRIPTORS = 3;
/**
 * Whoever holds very many descriptors, or sockets that nobody shows, must not keep the agent from its work: nothing
 * else happens during a search. A caller that is not found in time is unknown.
 */
const MAX_SEARCH_MS = 250;
const MAX_SEARCH_MS_PER_SECOND = 500;

/**
 * Finds the process at the other end of a connection on this machine.
 *
 * The kernel names the socket, its user and its control group. Which process holds it, it does not say; so the
 * likely ones are looked at first, and all of them only as a last resort.
 */
export class CallerFinder {
  readonly #preferred: () => Iterable<number>;
  readonly #searchMs: number;
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
  /** By user, so that one spends nobody else's. */
  readonly #spent = new Map<number, { since: number; ms: number }>();
  #until = 0;

  constructor({ preferred = () => [], netlink = true, searchMs = MAX_SEARCH_MS }: CallerFinderOptions = {}) {
    this.#searchMs = searchMs;
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

  /** Whose connection it is, as its own end shows it. @returns undefined when there is no such socket */
  ownerOf(connection: Connection): SocketOwner | undefined {
    const ends = callersEnds(connection);
    return this.#owner(ends === undefined ? undefined : this.#lookup.find(ends));
  }

  /** Whose socket a datagram was sent from. @param address as texts show it */
  ownerOfSender(address: string, port: number): SocketOwner | undefined {
    const bytes = addressBytes(address);
    return this.#owner(bytes === undefined ? undefined : this.#lookup.findSender(bytes, port));
  }

  #owner(socket: ReturnType<SocketLookup['find']>): SocketOwner | undefined {
    if (socket === undefined) return undefined;
    const holder = this.#search(socket);
    const process = holder && { pid: holder.pid, startTime: holder.startTime };
    return { process, uid: socket.uid, cgroupId: socket.cgroupId };
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
    const startedAt = performance.now();
    const spent = this.#spentBy(uid, startedAt);
    this.#until = startedAt + Math.min(this.#searchMs, MAX_SEARCH_MS_PER_SECOND - spent.ms);
    const found = this.#searchProcesses(inode, uid, cgroupId);
    spent.ms += performance.now() - startedAt;
    return found;
  }

  #searchProcesses(inode: string, uid: number, cgroupId: bigint | undefined): Holder | undefined {
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
      this.#among([['everything', all()]], inode);
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
    for (const caller of this.#callers) {
      for (let ahead = 0; ahead < GUESSED_DESCRIPTORS; ahead += 1) {
        const holder = { ...caller, fd: String(Number(caller.fd) + ahead) };
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
          if (performance.now() > this.#until) {
            this.#counts.limited += 1;
            return undefined;
          }
          const holder = this.#descriptors.lookThrough(pid, inode, depth, this.#until);
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

  /** What the searches for a user's sockets took in this second. */
  #spentBy(uid: number, now: number): { since: number; ms: number } {
    for (const [user, { since }] of this.#spent) if (now - since >= 1000) this.#spent.delete(user);
    const spent = this.#spent.get(uid) ?? { since: now, ms: 0 };
    this.#spent.set(uid, spent);
    return spent;
  }
}

/** The effective user; root where a process has made itself unreadable. */
function ownerOf(pid: number): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
}
