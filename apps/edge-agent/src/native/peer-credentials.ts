import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { RaypherError } from '@raypher/shared/errors';
import type * as Koffi from 'koffi';

/** Of Linux on x64 and arm64 (asm-generic/socket.h). */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** Since Linux 6.5: a handle on the process, which never moves to another one. */
const SO_PEERPIDFD = 77;
/** `struct ucred`: pid, uid, gid. */
const UCRED_BYTES = 12;

/** What the kernel recorded about the other end when it connected (unix(7)). */
export interface PeerCredentials {
  uid: number;
  /** At that time; may have ended since, and its number may be another's. */
  pid: number;
  /** A handle (pidfd) on that process, to be closed; undefined on kernels that have none. */
  handle: number | undefined;
}

type GetSockOpt = (fd: number, level: number, option: number, value: Buffer, length: Buffer) => number;

let loaded: GetSockOpt | undefined;

function getSockOpt(): GetSockOpt {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux') {
    throw new RaypherError('platform/unsupported', 'Peers of Unix sockets are identified on Linux only.');
  }
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  loaded = koffi
    .load('libc.so.6')
    .func('int getsockopt(int fd, int level, int option, _Out_ void *value, _Inout_ void *length)');
  return loaded;
}

/**
 * Who is at the other end of a Unix socket.
 *
 * @returns undefined when it cannot be told: no socket any more, or a process that this one cannot see
 */
export function peerCredentials(socket: Socket): PeerCredentials | undefined {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  const credentials = Buffer.alloc(UCRED_BYTES);
  if (!read(fd, SO_PEERCRED, credentials)) return undefined;
  const [pid, uid] = [credentials.readInt32LE(0), credentials.readUInt32LE(4)];
  // 0: of another pid namespace. 2^32 − 1: of a user that has no number here.
  if (pid <= 0 || uid === 0xffffffff) return undefined;
  const handle = Buffer.alloc(4);
  return { uid, pid, handle: read(fd, SO_PEERPIDFD, handle) ? handle.readInt32LE(0) : undefined };
}

function read(fd: number, option: number, value: Buffer): boolean {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  return getSockOpt()(fd, SOL_SOCKET, option, value, length) === 0 && length.readUInt32LE(0) === value.length;
}

/**
 * The descriptor of a socket. Node.js has no public way to it; `_handle.fd` has been there since its first versions,
 * and what is read is checked: without it there is no peer, and nobody is let in.
 */
function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  return typeof fd === 'number' && fd >= 0 ? fd : undefined;
}
