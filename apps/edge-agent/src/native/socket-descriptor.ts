import type { Socket as DatagramSocket } from 'node:dgram';
import { createRequire } from 'node:module';
import type { Server, Socket } from 'node:net';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';

/** Of Linux on x64 and arm64 (asm-generic/socket.h); the option since Linux 5.14. */
const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;
/** linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h. */
const SO_ORIGINAL_DST = 80;
const ORIGINAL_LEVELS = { IPv4: 0, IPv6: 41 } as const;
const SOCKADDR_IN6_BYTES = 28;

type GetSockOpt = (fd: number, level: number, option: number, value: Buffer, length: Buffer) => number;

let loaded: GetSockOpt | undefined;

/**
 * The descriptor of a socket. Node.js has no public way to it; where it keeps it is looked up by name.
 *
 * @throws RaypherError `platform/unsupported` when this Node.js keeps it elsewhere
 */
export function descriptorOf(socket: Server | Socket | DatagramSocket): number {
  const state = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'state symbol',
  );
  const handle: unknown =
    state === undefined ? Reflect.get(socket, '_handle') : property(Reflect.get(socket, state), 'handle');
  const fd = property(handle, 'fd');
  if (typeof fd === 'number' && fd >= 0) return fd;
  throw new RaypherError(
    'platform/unsupported',
    'This Node.js does not show the descriptors of its sockets.',
  );
}

/**
 * The number by which kernel programs know the network namespace of a socket.
 *
 * @throws RaypherError `platform/unsupported` on kernels before 5.14
 */
export function networkNamespaceCookie(fd: number): bigint {
  const [value, length] = [Buffer.alloc(8), Buffer.alloc(4)];
  length.writeUInt32LE(value.length);
  if (getSockOpt()(fd, SOL_SOCKET, SO_NETNS_COOKIE, value, length) === 0) return value.readBigUInt64LE();
  throw new RaypherError(
    'platform/unsupported',
    'This kernel does not number network namespaces (Linux 5.14).',
  );
}

/**
 * Where a connection was to go before the packet filter led it here.
 *
 * @param fd of an accepted connection
 * @param family of the socket that accepted it
 * @returns the address, 4 or 16 bytes; undefined when the filter knows nothing of it
 */
export function originalDestination(
  fd: number,
  family: keyof typeof ORIGINAL_LEVELS,
): { address: Buffer; port: number } | undefined {
  const [value, length] = [Buffer.alloc(SOCKADDR_IN6_BYTES), Buffer.alloc(4)];
  length.writeUInt32LE(value.length);
  if (getSockOpt()(fd, ORIGINAL_LEVELS[family], SO_ORIGINAL_DST, value, length) !== 0) return undefined;
  const address = family === 'IPv4' ? value.subarray(4, 8) : value.subarray(8, 24);
  return { address, port: value.readUInt16BE(2) };
}

function getSockOpt(): GetSockOpt {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux') {
    throw new RaypherError('platform/unsupported', 'Network namespaces are a thing of Linux.');
  }
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  loaded = koffi
    .load('libc.so.6')
    .func('int getsockopt(int fd, int level, int option, _Out_ void *value, _Inout_ void *length)');
  return loaded;
}

function property(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined;
}
