import { listPids, listProcDirectory, readProcLink, readProcText } from './procfs.ts';
import { readStat } from './stat.ts';

/** A connection as the server side sees it: `socket.localPort`, `socket.remotePort` and so on. */
export interface Connection {
  localPort: number;
  remotePort: number;
  /** Given both, only a socket with exactly these addresses counts. "127.0.0.1", "::1", "::ffff:127.0.0.1" */
  localAddress?: string | undefined;
  remoteAddress?: string | undefined;
  family?: 'IPv4' | 'IPv6' | undefined;
}

export interface Caller {
  pid: number;
  /** Clock ticks since boot. */
  startTime: number;
}

const MAX_CACHED = 4096;

/** Finds the process at the other end of a connection on this machine. */
export class CallerFinder {
  readonly #preferred: () => Iterable<number>;
  /** By inode of the socket: where it was found. Checked again before it is believed. */
  readonly #cache = new Map<string, Caller & { fd: string }>();

  /** @param preferred pids to look at first: those of known AI agents */
  constructor(preferred: () => Iterable<number> = () => []) {
    this.#preferred = preferred;
  }

  /** @returns undefined when the socket is closed, of another machine, or of a process that may not be examined */
  find(connection: Connection): Caller | undefined {
    const inode = findInode(connection);
    if (inode === undefined) return undefined;
    const link = `socket:[${inode}]`;
    const known = this.#cache.get(inode);
    if (known !== undefined && holds(known, known.fd, link))
      return { pid: known.pid, startTime: known.startTime };
    this.#cache.delete(inode);
    // A set, so that the pids of /proc follow without the ones already looked at.
    for (const pid of new Set([...this.#preferred(), ...listPids()])) {
      const found = findDescriptor(pid, link);
      if (found === undefined) continue;
      this.#remember(inode, found);
      return { pid: found.pid, startTime: found.startTime };
    }
    return undefined;
  }

  #remember(inode: string, found: Caller & { fd: string }): void {
    this.#cache.set(inode, found);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= MAX_CACHED) break;
      this.#cache.delete(oldest);
    }
  }
}

/** One look-up without a cache. @param preferred pids to look at first */
export function findCaller(connection: Connection, preferred: Iterable<number> = []): Caller | undefined {
  return new CallerFinder(() => preferred).find(connection);
}

function holds({ pid, startTime }: Caller, fd: string, link: string): boolean {
  const current = readProcLink(`/proc/${pid}/fd/${fd}`);
  return current.ok && current.value === link && readStat(pid)?.startTime === startTime;
}

/** Only processes are listed in /proc; the ids of their threads are not, so what is found is never a thread. */
function findDescriptor(pid: number, link: string): (Caller & { fd: string }) | undefined {
  const descriptors = listProcDirectory(`/proc/${pid}/fd`);
  if (!descriptors.ok) return undefined;
  for (const fd of descriptors.value) {
    const target = readProcLink(`/proc/${pid}/fd/${fd}`);
    if (!target.ok || target.value !== link) continue;
    const stat = readStat(pid);
    return stat === undefined ? undefined : { pid, startTime: stat.startTime, fd };
  }
  return undefined;
}

/** A socket of IPv6 can carry a connection of IPv4, so both tables are searched. */
function findInode(connection: Connection): string | undefined {
  for (const table of ['tcp', 'tcp6']) {
    const read = readProcText(`/proc/self/net/${table}`);
    const inode = read.ok ? matchRow(read.value, connection) : undefined;
    if (inode !== undefined) return inode;
  }
  return undefined;
}

/** The caller's socket is the one whose own end is our remote end. */
function matchRow(table: string, connection: Connection): string | undefined {
  const own = `:${port(connection.remotePort)}`;
  const other = `:${port(connection.localPort)}`;
  for (const line of table.split('\n')) {
    const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
    if (local === undefined || remote === undefined || !local.endsWith(own) || !remote.endsWith(other))
      continue;
    if (inode === undefined || inode === '0') continue;
    const { remoteAddress, localAddress } = connection;
    if (remoteAddress !== undefined && decodeAddress(local.slice(0, -5)) !== plain(remoteAddress)) continue;
    if (localAddress !== undefined && decodeAddress(remote.slice(0, -5)) !== plain(localAddress)) continue;
    return inode;
  }
  return undefined;
}

function port(number: number): string {
  return number.toString(16).toUpperCase().padStart(4, '0');
}

/** The kernel prints addresses as 32-bit words in the machine's byte order; x64 and arm64 are little-endian. */
function decodeAddress(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex')))
    return bytes.subarray(12).join('.');
  return bytes.toString('hex');
}

/** In the same form: dotted IPv4, or 32 hex digits. */
function plain(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const words = (part: string): string[] =>
    (part === '' ? [] : part.split(':')).map((word) => word.padStart(4, '0'));
  const [first, last] = [words(head), words(tail ?? '')];
  const gap = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array<string>(Math.max(0, gap)).fill('0000'), ...last].join('').toLowerCase();
}
