import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';
import { encodeDestroy, encodeList, readDestroyed, readListed, type TcpSocket } from './tcp-socket.ts';

/** The values are those of Linux on x64 and arm64 (linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h). */
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const NETLINK_SOCK_DIAG = 4;
const NLM_F_REQUEST = 1;
const NLMSG_ERROR = 2;
const SOCK_DIAG_BY_FAMILY = 20;
const IPPROTO_TCP = 6;
const TCP_LISTEN = 10;
const INET_DIAG_CGROUP_ID = 21;
const POLLIN = 1;
const CLONE_NEWNET = 0x40000000;
const ENOENT = 2;
const EAGAIN = 11;
const EINTR = 4;

const HEADER_BYTES = 16;
const REQUEST_BYTES = HEADER_BYTES + 56;
const MESSAGE_BYTES = 72;
/** The kernel answers before sendto(2) returns; this only bounds a kernel that does not. */
const WAIT_MS = 50;
/** Answers to questions that were given up on are read and passed over, this many at most. */
const MAX_ANSWERS = 16;
/** A list comes in parts of at most 32 KiB (linux/netlink.h), each of some two hundred sockets; more is no list. */
const MAX_PARTS = 100_000;
const PART_BYTES = 32 * 1024;

/** One connection, from the side of the socket that is looked for. Addresses are 4 or 16 bytes, both alike. */
export interface SocketEnds {
  own: { address: Buffer; port: number };
  other: { address: Buffer; port: number };
}

export interface DiagnosedSocket {
  /** Of the socket, as in /proc/PID/fd: `socket:[inode]`. */
  inode: string;
  /** Who created it. */
  uid: number;
  /** Control group (version 2) that created it; undefined on kernels before 5.9. */
  cgroupId: bigint | undefined;
}

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
  setns: (fd: number, type: number) => number;
  errno: () => number;
}

let loaded: Calls | undefined;

function calls(): Calls {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux' || endianness() !== 'LE') {
    throw new RaypherError('platform/unsupported', 'Sockets are diagnosed through netlink on Linux only.');
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
    setns: libc.func('int setns(int fd, int type)'),
    errno: () => koffi.errno(),
  };
  return loaded;
}

/**
 * Asks the kernel about single TCP sockets (sock_diag(7)): one message there, one back, however many sockets
 * there are. Not safe to use from two threads.
 */
export class InetDiag implements Disposable {
  readonly #fd: number;
  readonly #answer = Buffer.alloc(PART_BYTES);
  readonly #from = Buffer.alloc(12);
  readonly #fromLength = Buffer.alloc(4);
  readonly #kernel = Buffer.alloc(12);
  #sequence = randomBytes(4).readUInt32LE();
  #open = true;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#kernel.writeUInt16LE(AF_NETLINK);
  }

  /** @throws RaypherError `platform/unsupported` when netlink may not be used here */
  static open(): InetDiag {
    const { socket, errno } = calls();
    const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (fd >= 0) return new InetDiag(fd);
    throw new RaypherError(
      'platform/unsupported',
      `Sockets cannot be diagnosed through netlink: ${errnoName(errno())}.`,
    );
  }

  /**
   * One that sees the sockets of another network namespace. This thread enters the namespace and returns in the
   * same breath; nothing else of this process runs meanwhile, and what the socket sees stays as it was opened.
   *
   * @param namespace such as /proc/PID/ns/net
   * @throws RaypherError `platform/unsupported` outside the main thread, `process/permission`
   */
  static openIn(namespace: string): InetDiag {
    // The threads of Node's own pool stay where they are; a worker would have its other work done elsewhere.
    if (!isMainThread) {
      throw new RaypherError('platform/unsupported', 'Only the main thread may visit another namespace.');
    }
    const { setns, errno } = calls();
    const home = openSync('/proc/thread-self/ns/net', 'r');
    try {
      const there = openSync(namespace, 'r');
      try {
        if (setns(there, CLONE_NEWNET) !== 0) {
          throw new RaypherError(
            'process/permission',
            `${namespace} may not be entered: ${errnoName(errno())}.`,
          );
        }
        try {
          return InetDiag.open();
        } finally {
          if (setns(home, CLONE_NEWNET) !== 0) exitStranded(errnoName(errno()));
        }
      } finally {
        closeSync(there);
      }
    } finally {
      closeSync(home);
    }
  }

  /**
   * @returns undefined when there is no such connection, or its socket belongs to nobody any more.
   * @throws RaypherError `platform/unsupported` when the kernel does not answer such questions
   */
  find(ends: SocketEnds): DiagnosedSocket | undefined {
    this.#ask((sequence) => encode(ends, sequence));
    return decode(this.#nextAnswer());
  }

  /**
   * The TCP connections of this namespace in any state; those that nobody holds any more are left out.
   *
   * @param withListening also the sockets that wait for connections
   * @throws RaypherError `platform/unsupported` when the kernel does not answer such questions
   */
  list(withListening = false): TcpSocket[] {
    return (['IPv4', 'IPv6'] as const).flatMap((family) => {
      this.#ask((sequence) => encodeList(family, sequence, withListening));
      const found: TcpSocket[] = [];
      for (let parts = 0; parts < MAX_PARTS; parts += 1) {
        const { sockets, isLast } = readListed(this.#nextAnswer());
        found.push(...sockets);
        if (isLast) return found;
      }
      throw new RaypherError('platform/unsupported', 'Netlink lists sockets without end.');
    });
  }

  /**
   * Ends a connection: the other end is sent a reset, and whoever holds the socket gets an error from it. The socket
   * is named by its cookie, so that no other one with the same ends is ever hit.
   *
   * @returns `gone` when it has ended meanwhile
   * @throws RaypherError `platform/unsupported` for a kernel without CONFIG_INET_DIAG_DESTROY, `process/permission`
   */
  destroy(socket: TcpSocket): 'ended' | 'gone' {
    this.#ask((sequence) => encodeDestroy(socket, sequence));
    return readDestroyed(this.#nextAnswer());
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #ask(encoded: (sequence: number) => Buffer): void {
    if (!this.#open) throw new RaypherError('internal/unexpected', 'The netlink socket is closed.');
    const { sendto, errno } = calls();
    this.#sequence = (this.#sequence + 1) >>> 0;
    const question = encoded(this.#sequence);
    if (Number(sendto(this.#fd, question, question.length, 0, this.#kernel, this.#kernel.length)) < 0) {
      throw new RaypherError('platform/unsupported', `Netlink takes no questions: ${errnoName(errno())}.`);
    }
  }

  /** The next message that answers what was asked last. Overwritten by the one after it. */
  #nextAnswer(): Buffer {
    for (let answers = 0; answers < MAX_ANSWERS; answers += 1) {
      const answer = this.#receive();
      if (answer !== undefined && answer.readUInt32LE(8) === this.#sequence) return answer;
    }
    throw new RaypherError('platform/unsupported', 'Netlink does not answer.');
  }

  /** @returns undefined for a message of somebody else than the kernel */
  #receive(): Buffer | undefined {
    const { recvfrom, poll, errno } = calls();
    for (let waited = false; ; ) {
      this.#fromLength.writeUInt32LE(this.#from.length);
      const length = Number(
        recvfrom(this.#fd, this.#answer, this.#answer.length, 0, this.#from, this.#fromLength),
      );
      if (length >= 0) {
        const fromKernel = this.#from.readUInt32LE(4) === 0;
        return fromKernel && length >= HEADER_BYTES ? this.#answer.subarray(0, length) : undefined;
      }
      const code = errno();
      if (code === EINTR) continue;
      if (code !== EAGAIN || waited) {
        throw new RaypherError('platform/unsupported', `Netlink does not answer: ${errnoName(code)}.`);
      }
      const entry = Buffer.alloc(8);
      entry.writeInt32LE(this.#fd);
      entry.writeInt16LE(POLLIN, 4);
      poll(entry, 1, WAIT_MS);
      waited = true;
    }
  }
}

/** `struct nlmsghdr` and `struct inet_diag_req_v2`: exactly this connection. */
function encode({ own, other }: SocketEnds, sequence: number): Buffer {
  const message = Buffer.alloc(REQUEST_BYTES);
  message.writeUInt32LE(REQUEST_BYTES, 0);
  message.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  message.writeUInt16LE(NLM_F_REQUEST, 6);
  message.writeUInt32LE(sequence, 8);
  message[16] = own.address.length === 4 ? AF_INET : AF_INET6;
  message[17] = IPPROTO_TCP;
  message.writeUInt32LE(0xffffffff, 20);
  message.writeUInt16BE(own.port, 24);
  message.writeUInt16BE(other.port, 26);
  own.address.copy(message, 28);
  other.address.copy(message, 44);
  // INET_DIAG_NOCOOKIE: found by its ends.
  message.fill(0xff, 64, 72);
  return message;
}

/** `struct inet_diag_msg` and its attributes, or an error. */
function decode(answer: Buffer): DiagnosedSocket | undefined {
  const type = answer.readUInt16LE(4);
  if (type === NLMSG_ERROR) {
    const code = -answer.readInt32LE(HEADER_BYTES);
    if (code === ENOENT) return undefined;
    throw new RaypherError('platform/unsupported', `Netlink refused the question: ${errnoName(code)}.`);
  }
  if (type !== SOCK_DIAG_BY_FAMILY || answer.length < HEADER_BYTES + MESSAGE_BYTES) {
    throw new RaypherError('platform/unsupported', 'Netlink answered with something else.');
  }
  const state = answer[HEADER_BYTES + 1];
  const inode = answer.readUInt32LE(HEADER_BYTES + 68);
  // Where no connection matches, the kernel goes on to what listens at that address. Closed ones have no inode.
  if (state === TCP_LISTEN || inode === 0) return undefined;
  return {
    inode: String(inode),
    uid: answer.readUInt32LE(HEADER_BYTES + 64),
    cgroupId: cgroupId(answer.subarray(HEADER_BYTES + MESSAGE_BYTES)),
  };
}

function cgroupId(attributes: Buffer): bigint | undefined {
  for (let at = 0; at + 4 <= attributes.length; ) {
    const length = attributes.readUInt16LE(at);
    if (length < 4) return undefined;
    if (attributes.readUInt16LE(at + 2) === INET_DIAG_CGROUP_ID && at + 12 <= attributes.length) {
      return attributes.readBigUInt64LE(at + 4);
    }
    at += (length + 3) & ~3;
  }
  return undefined;
}

/** In the wrong namespace everything that follows would be about another machine's network. */
function exitStranded(reason: string): never {
  process.stderr.write(`raypher: cannot return to its own network namespace (${reason}); it must stop.\n`);
  process.exit(70);
}
