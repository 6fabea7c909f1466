import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';

/** The values are those of Linux on x64 and arm64 (linux/netlink.h). */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const POLLIN = 1;
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;

/** `struct nlmsghdr`. */
export const HEADER_BYTES = 16;
/** The kernel sends a list in parts of at most this. */
const PART_BYTES = 32 * 1024;

interface Calls {
  socket: (family: number, type: number, protocol: number) => number;
  sendto: (fd: number, data: Buffer, length: number, flags: number, to: Buffer, toLength: number) => bigint;
  recvfrom: (
    fd: number,
    data: Buffer,
    length: number,
    flags: number,
    from: Buffer,
    fromLength: Buffer,
  ) => bigint;
  poll: (fds: Buffer, count: number, timeoutMs: number) => number;
  errno: () => number;
}

let loaded: Calls | undefined;

function calls(): Calls {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux' || endianness() !== 'LE') {
    throw new RaypherError('platform/unsupported', 'Netlink is a thing of Linux.');
  }
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const libc = koffi.load('libc.so.6');
  loaded = {
    socket: libc.func('int socket(int family, int type, int protocol)'),
    sendto: libc.func(
      'long sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t toLength)',
    ),
    recvfrom: libc.func(
      'long recvfrom(int fd, void *data, size_t length, int flags, void *from, void *fromLength)',
    ),
    poll: libc.func('int poll(void *fds, unsigned long count, int timeout)'),
    errno: () => koffi.errno(),
  };
  return loaded;
}

/** Messages to and from a part of the kernel (netlink(7)). Not safe to use from two threads. */
export class NetlinkSocket implements Disposable {
  readonly #fd: number;
  readonly #message = Buffer.alloc(PART_BYTES);
  readonly #from = Buffer.alloc(12);
  readonly #fromLength = Buffer.alloc(4);
  readonly #kernel = Buffer.alloc(12);
  #sequence = randomBytes(4).readUInt32LE();
  #open = true;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#kernel.writeUInt16LE(AF_NETLINK);
  }

  /**
   * @param protocol such as NETLINK_SOCK_DIAG
   * @throws RaypherError `platform/unsupported` when it may not be used here
   */
  static open(protocol: number): NetlinkSocket {
    const { socket, errno } = calls();
    const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd >= 0) return new NetlinkSocket(fd);
    throw new RaypherError('platform/unsupported', `Netlink cannot be used here: ${errnoName(errno())}.`);
  }

  /** Of the message that was sent last; its answers carry it. */
  get sequence(): number {
    return this.#sequence;
  }

  /**
   * @param encoded given the number that the message is to carry
   * @throws RaypherError `platform/unsupported` when the kernel takes none
   */
  send(encoded: (sequence: number) => Buffer): void {
    if (!this.#open) throw new RaypherError('internal/unexpected', 'The netlink socket is closed.');
    const { sendto, errno } = calls();
    this.#sequence = (this.#sequence + 1) >>> 0;
    const message = encoded(this.#sequence);
    if (Number(sendto(this.#fd, message, message.length, 0, this.#kernel, this.#kernel.length)) < 0) {
      throw new RaypherError('platform/unsupported', `Netlink takes no messages: ${errnoName(errno())}.`);
    }
  }

  /**
   * The next message, or several in a row. Overwritten by the one after it.
   *
   * @param waitMs how long to block when there is none; 0 does not
   * @returns `other` for a message of somebody else than the kernel, `lost` when it had to drop some
   * @throws RaypherError `platform/unsupported` for any other failure
   */
  receive(waitMs: number): Buffer | 'nothing' | 'other' | 'lost' {
    if (!this.#open) throw new RaypherError('internal/unexpected', 'The netlink socket is closed.');
    const { recvfrom, poll, errno } = calls();
    for (let waited = waitMs === 0; ; ) {
      this.#fromLength.writeUInt32LE(this.#from.length);
      const length = Number(
        recvfrom(this.#fd, this.#message, this.#message.length, 0, this.#from, this.#fromLength),
      );
      if (length >= 0) {
        const fromKernel = this.#from.readUInt32LE(4) === 0;
        return fromKernel && length >= HEADER_BYTES ? this.#message.subarray(0, length) : 'other';
      }
      const code = errno();
      if (code === EINTR) continue;
      if (code === ENOBUFS) return 'lost';
      if (code !== EAGAIN) {
        throw new RaypherError('platform/unsupported', `Netlink does not answer: ${errnoName(code)}.`);
      }
      if (waited) return 'nothing';
      const entry = Buffer.alloc(8);
      entry.writeInt32LE(this.#fd);
      entry.writeInt16LE(POLLIN, 4);
      poll(entry, 1, waitMs);
      waited = true;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
