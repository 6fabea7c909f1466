import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';

/** The values are those of Linux on every 64-bit platform. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const MSG_NOSIGNAL = 0x4000;

/** Bytes of `sun_path` in `struct sockaddr_un`. */
const LONGEST_PATH = 108;

interface Sockets {
  socket: (family: number, type: number, protocol: number) => number;
  sendto: (fd: number, data: Buffer, length: number, flags: number, to: Buffer, toLength: number) => number;
  errno: () => number;
}

let loaded: Sockets | undefined;

function sockets(): Sockets {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux') {
    throw new RaypherError('platform/unsupported', 'Unix datagram sockets are used on Linux only.');
  }
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const libc = koffi.load('libc.so.6');
  loaded = {
    socket: libc.func('int socket(int family, int type, int protocol)'),
    sendto: libc.func(
      'long sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t toLength)',
    ),
    errno: () => koffi.errno(),
  };
  return loaded;
}

/**
 * `struct sockaddr_un` of a path, or with a leading `@` of an abstract name (unix(7)), which has no file.
 *
 * @throws RaypherError `request/invalid` for a name that no socket can have
 */
export function unixAddress(name: string): Buffer {
  const path = Buffer.from(name);
  if ((!name.startsWith('/') && !name.startsWith('@')) || path.length < 2 || path.includes(0)) {
    throw new RaypherError('request/invalid', `${name} does not name a Unix socket.`);
  }
  const isAbstract = name.startsWith('@');
  if (path.length + (isAbstract ? 0 : 1) > LONGEST_PATH) {
    throw new RaypherError('request/invalid', `The name of the Unix socket ${name} is too long.`);
  }
  // The length of an abstract name counts; a path ends with a zero.
  const address = Buffer.alloc(2 + path.length + (isAbstract ? 0 : 1));
  address.writeUInt16LE(AF_UNIX);
  path.copy(address, 2);
  if (isAbstract) address[2] = 0;
  return address;
}

/**
 * Sends one datagram to a Unix socket, which Node.js cannot do by itself. Never blocks.
 *
 * @param name a path, or `@name` for an abstract one
 * @throws RaypherError `service/not-running` when nobody takes it, `platform/unsupported`
 */
export function sendUnixDatagram(name: string, text: string): void {
  const address = unixAddress(name);
  const { socket, sendto, errno } = sockets();
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    throw new RaypherError('internal/unexpected', `No Unix socket: ${errnoName(errno())}.`);
  }
  try {
    const data = Buffer.from(text);
    if (sendto(fd, data, data.length, MSG_NOSIGNAL, address, address.length) === data.length) return;
    throw new RaypherError('service/not-running', `Nothing listens on ${name}: ${errnoName(errno())}.`);
  } finally {
    closeSync(fd);
  }
}
