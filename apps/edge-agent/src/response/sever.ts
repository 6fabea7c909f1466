import { readProcLink, walkProcDirectory } from '../discovery/procfs.ts';
import { shownUnder } from '../discovery/stat.ts';
import { shareDescriptors } from '../native/file-tables.ts';
import { InetDiag } from '../native/inet-diag.ts';
import type { TcpSocket } from '../native/tcp-socket.ts';

export interface SeverReport {
  /** Connections that were ended: the other end has got a reset. */
  severed: number;
  /** "127.0.0.1:4242 → 192.0.2.7:443", at most {@link MAX_NAMED}. */
  connections: string[];
  /** Why some, or all, could not be; empty when there was nothing in the way. */
  notSevered: string[];
}

const MAX_NAMED = 64;
const MAX_NAMESPACES = 64;
/**
 * For the descriptors of a tree, milliseconds. Nothing else happens meanwhile, and every thread can have a table of its
 * own with as many as a process may have.
 */
const SEARCH_MS = 2000;

/**
 * Ends the TCP connections of processes that stand still, before they are killed: a process that dies on its own
 * closes its sockets in order and delivers what it had queued; this drops the queue and resets the other end.
 *
 * What listens is left alone: it carries nothing, and process 1 may hold it too.
 *
 * @param pids the whole tree, suspended
 * @param isMeant which of its connections; all unless given
 */
export function severConnections(
  pids: readonly number[],
  isMeant: (socket: TcpSocket) => boolean = () => true,
): SeverReport {
  const report: SeverReport = { severed: 0, connections: [], notSevered: [] };
  const held = new Set(socketsOf(pids, report.notSevered).keys());
  const obstacles = new Map<string, number>();
  if (held.size === 0) return report;
  for (const namespace of namespacesOf(pids)) {
    try {
      using diag = namespace === undefined ? InetDiag.open() : InetDiag.openIn(namespace);
      for (const socket of diag.list()) {
        if (!held.delete(socket.inode) || !isMeant(socket)) continue;
        const obstacle = end(diag, socket, report);
        if (obstacle !== undefined) obstacles.set(obstacle, (obstacles.get(obstacle) ?? 0) + 1);
      }
    } catch (error) {
      // A namespace that may not be entered, or a kernel without this part: the kill goes on without it.
      const place = namespace === undefined ? '' : `the network of process ${namespace.split('/')[2]}: `;
      report.notSevered.push(`${place}${messageOf(error)}`);
    }
  }
  for (const [obstacle, times] of obstacles) report.notSevered.push(`${times} left: ${obstacle}`);
  return report;
}

/** @returns what kept it from being ended */
function end(diag: InetDiag, socket: TcpSocket, report: SeverReport): string | undefined {
  try {
    if (diag.destroy(socket) === 'gone') return undefined;
  } catch (error) {
    return messageOf(error);
  }
  report.severed += 1;
  if (report.connections.length < MAX_NAMED) {
    report.connections.push(`${socket.local} → ${socket.remote}`);
  }
  return undefined;
}

/**
 * Inodes of the sockets that processes hold, those of threads with descriptors of their own included, and who holds
 * each. Every process gets its share of the time, the later ones what the others leave.
 *
 * @param gaps gets whose descriptors were too many
 */
export function socketsOf(
  pids: readonly number[],
  gaps: string[],
  searchMs = SEARCH_MS,
): Map<string, number[]> {
  const holders = new Map<string, number[]>();
  const deadline = performance.now() + searchMs;
  for (const [index, pid] of pids.entries()) {
    const now = performance.now();
    const until = now + (deadline - now) / (pids.length - index);
    const inodes = new Set<string>();
    let isWhole = true;
    for (const found of lookThrough(pid)) {
      if (found !== undefined) inodes.add(found);
      isWhole = performance.now() <= until;
      if (!isWhole) break;
    }
    for (const inode of inodes) holders.set(inode, [...(holders.get(inode) ?? []), pid]);
    if (!isWhole) gaps.push(`process ${pid} has too many descriptors to look through`);
  }
  return holders;
}

/** One for each descriptor and thread: the inode, where it is a socket. */
function* lookThrough(pid: number): Generator<string | undefined> {
  yield* socketsIn(`/proc/${pid}/fd`);
  for (const thread of walkProcDirectory(`/proc/${pid}/task`)) {
    yield undefined;
    if (thread === String(pid) || shareDescriptors(pid, Number(thread)) !== false) continue;
    yield* socketsIn(`/proc/${pid}/task/${thread}/fd`);
  }
}

function* socketsIn(folder: string): Generator<string | undefined> {
  for (const fd of walkProcDirectory(folder)) {
    const target = readProcLink(`${folder}/${fd}`);
    yield target.ok ? /^socket:\[(\d+)\]$/.exec(target.value)?.[1] : undefined;
  }
}

/**
 * The networks that a tree can have sockets in: this one, and those its members are in.
 *
 * @returns paths to enter; undefined for where this process is
 */
export function namespacesOf(pids: readonly number[]): (string | undefined)[] {
  const here = readProcLink('/proc/thread-self/ns/net');
  const paths = new Map<string, string | undefined>(here.ok ? [[here.value, undefined]] : []);
  for (const pid of pids) {
    if (paths.size === MAX_NAMESPACES) break;
    const path = `/proc/${shownUnder(pid)}/ns/net`;
    const link = readProcLink(path);
    if (link.ok && !paths.has(link.value)) paths.set(link.value, path);
  }
  return [...paths.values()];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
