import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** What Node.js does not do with sockets, for tests that try to get past the guard. All IPv4; each returns errno or 0. */
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const IPPROTO_RAW = 255;
const MSG_FASTOPEN = 0x20000000;
const IPPROTO_IP = 0;
const IP_OPTIONS = 4;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
/** Loose source and record route, to one address (RFC 791 §3.1). */
const LOOSE_SOURCE_ROUTE = [131, 7, 4];

// The cast is the module's own declaration file.
const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const sendto = libc.func(
  'int64_t sendto(int fd, const void *data, size_t size, int flags, const void *address, uint32_t length)',
);
const connect = libc.func('int connect(int fd, const void *address, uint32_t length)');
const setsockopt = libc.func(
  'int setsockopt(int fd, int level, int option, const void *value, uint32_t size)',
);
const close = libc.func('int close(int fd)');

export function openSocket(domain: number, type: number, protocol: number): number {
  return withSocket(domain, type, protocol, () => 0);
}

/** Data with the packet that opens the connection (tcp(7)). */
export function sendFastOpen(host: string, port: number, data: string): number {
  const bytes = Buffer.from(data);
  return withSocket(AF_INET, SOCK_STREAM, 0, (fd) =>
    sendto(fd, bytes, bytes.length, MSG_FASTOPEN, address(host, port), 16),
  );
}

/** A datagram that goes through another machine first. */
export function sendSourceRouted(host: string, port: number, via: string): number {
  const route = Buffer.from([...LOOSE_SOURCE_ROUTE, ...via.split('.').map(Number), 0]);
  return withSocket(AF_INET, SOCK_DGRAM, 0, (fd) =>
    setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, route.length) < 0
      ? -1
      : sendto(fd, route, 4, 0, address(host, port), 16),
  );
}

/** @returns how many of the datagrams were refused */
export function sendMany(host: string, port: number, count: number): number {
  let refused = 0;
  withSocket(AF_INET, SOCK_DGRAM, 0, (fd) => {
    const to = address(host, port);
    for (let n = 0; n < count; n++) if (sendto(fd, to, 4, 0, to, 16) < 0) refused += 1;
    return 0;
  });
  return refused;
}

export function connectFromDevice(host: string, port: number, device: string): number {
  return fromDevice(SOCK_STREAM, device, (fd) => connect(fd, address(host, port), 16));
}

/** Sends a datagram by this device and no other. @returns errno, 0 when it was sent */
export function sendFromDevice(host: string, port: number, device: string): number {
  const data = Buffer.from('by a device');
  return fromDevice(SOCK_DGRAM, device, (fd) =>
    Number(sendto(fd, data, data.length, 0, address(host, port), 16)),
  );
}

/** Sends a packet of IPv4 as it is, its header included. @returns errno, 0 when it was sent */
export function sendPacket(host: string, packet: Buffer): number {
  return withSocket(AF_INET, SOCK_RAW, IPPROTO_RAW, (fd) =>
    Number(sendto(fd, packet, packet.length, 0, address(host, 0), 16)),
  );
}

function fromDevice(type: number, device: string, use: (fd: number) => number): number {
  const name = Buffer.from(`${device}\0`);
  return withSocket(AF_INET, type, 0, (fd) =>
    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) < 0 ? -1 : use(fd),
  );
}

function withSocket(domain: number, type: number, protocol: number, use: (fd: number) => number): number {
  const fd = socket(domain, type, protocol);
  if (fd < 0) return koffi.errno();
  const result = use(fd);
  const errno = koffi.errno();
  close(fd);
  return result < 0 ? errno : 0;
}

/** `struct sockaddr_in` */
function address(host: string, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  Buffer.from(host.split('.').map(Number)).copy(bytes, 4);
  return bytes;
}
