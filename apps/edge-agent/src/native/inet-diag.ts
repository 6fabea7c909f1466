import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';
import { HEADER_BYTES, NetlinkSocket } from './netlink-socket.ts';
import { encodeDestroy, encodeList, readDestroyed, readListed, type TcpSocket } from './tcp-socket.ts';

/** The values are those of Linux on x64 and arm64 (linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h). */
const AF_INET = 2;
const AF_INET6 = 10;
const NETLINK_SOCK_DIAG = 4;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const SOCK_DIAG_BY_FAMILY = 20;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const TCP_LISTEN = 10;
const INET_DIAG_CGROUP_ID = 21;
const CLONE_NEWNET = 0x40000000;
const ENOENT = 2;

const REQUEST_BYTES = HEADER_BYTES + 56;
const MESSAGE_BYTES = 72;
/** The kernel answers before sendto(2) returns; this only bounds a kernel that does not. */
const WAIT_MS = 50;
/** Answers to questions that were given up on are read and passed over, this many at most. */
const MAX_ANSWERS = 16;
/** A list comes in parts of at most 32 KiB (linux/netlink.h), each of some two hundred sockets; more is no list. */
const MAX_PARTS = 100_000;

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

/** A socket of UDP. */
export interface DatagramSocketFound extends DiagnosedSocket {
  /** That it sends from, 4 or 16 bytes; all zero: any. */
  address: Buffer;
}

interface Calls {
  setns: (fd: number, type: number) => number;
  errno: () => number;
}

let loaded: Calls | undefined;

function calls(): Calls {
  if (loaded !== undefined) return loaded;
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  loaded = {
    setns: koffi.load('libc.so.6').func('int setns(int fd, int type)'),
    errno: () => koffi.errno(),
  };
  return loaded;
}

/**
 * Asks the kernel about single TCP sockets (sock_diag(7)): one message there, one back, however many sockets
 * there are. Not safe to use from two threads.
 */
export class InetDiag implements Disposable {
  readonly #netlink: NetlinkSocket;

  private constructor(netlink: NetlinkSocket) {
    this.#netlink = netlink;
  }

  /** @throws RaypherError `platform/unsupported` when netlink may not be used here */
  static open(): InetDiag {
    return new InetDiag(NetlinkSocket.open(NETLINK_SOCK_DIAG));
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
    this.#netlink.send((sequence) => encode(ends, sequence));
    return decode(this.#nextAnswer());
  }

  /**
   * The sockets of UDP that have this port.
   *
   * @throws RaypherError `platform/unsupported` when the kernel does not answer such questions
   */
  datagramSockets(port: number): DatagramSocketFound[] {
    return [AF_INET, AF_INET6].flatMap((family) => {
      this.#netlink.send((sequence) => encodeDatagramList(family, port, sequence));
      const found: DatagramSocketFound[] = [];
      for (let parts = 0; parts < MAX_PARTS; parts += 1) {
        const { sockets, isLast } = decodeDatagramList(this.#nextAnswer());
        found.push(...sockets);
        if (isLast) return found;
      }
      throw new RaypherError('platform/unsupported', 'Netlink lists sockets without end.');
    });
  }

  /**
   * The TCP connections of this namespace in any state; those that nobody holds any more are left out.
   *
   * @param withListening also the sockets that wait for connections
   * @throws RaypherError `platform/unsupported` when the kernel does not answer such questions
   */
  list(withListening = false): TcpSocket[] {
    return (['IPv4', 'IPv6'] as const).flatMap((family) => {
      this.#netlink.send((sequence) => encodeList(family, sequence, withListening));
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
    this.#netlink.send((sequence) => encodeDestroy(socket, sequence));
    return readDestroyed(this.#nextAnswer());
  }

  close(): void {
    this.#netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The next message that answers what was asked last. Overwritten by the one after it. */
  #nextAnswer(): Buffer {
    for (let answers = 0; answers < MAX_ANSWERS; answers += 1) {
      const answer = this.#netlink.receive(WAIT_MS);
      if (answer === 'nothing' || answer === 'lost') break;
      if (answer !== 'other' && answer.readUInt32LE(8) === this.#netlink.sequence) return answer;
    }
    throw new RaypherError('platform/unsupported', 'Netlink does not answer.');
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

/** `struct nlmsghdr` and `struct inet_diag_req_v2`: all of UDP with this port, in any state. */
function encodeDatagramList(family: number, port: number, sequence: number): Buffer {
  const message = Buffer.alloc(REQUEST_BYTES);
  message.writeUInt32LE(REQUEST_BYTES, 0);
  message.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  message.writeUInt16LE(NLM_F_REQUEST | NLM_F_DUMP, 6);
  message.writeUInt32LE(sequence, 8);
  message[16] = family;
  message[17] = IPPROTO_UDP;
  message.writeUInt32LE(0xffffffff, 20);
  message.writeUInt16BE(port, 24);
  return message;
}

/** One part of a list: any number of messages in a row. */
function decodeDatagramList(part: Buffer): { sockets: DatagramSocketFound[]; isLast: boolean } {
  const sockets: DatagramSocketFound[] = [];
  for (let at = 0; at + HEADER_BYTES <= part.length; ) {
    const length = part.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > part.length) break;
    const message = part.subarray(at, at + length);
    const type = message.readUInt16LE(4);
    if (type === NLMSG_DONE) return { sockets, isLast: true };
    const socket = decode(message);
    if (socket !== undefined) {
      const width = message[HEADER_BYTES] === AF_INET ? 4 : 16;
      const address = Buffer.from(message.subarray(HEADER_BYTES + 8, HEADER_BYTES + 8 + width));
      sockets.push({ ...socket, address });
    }
    at += (length + 3) & ~3;
  }
  return { sockets, isLast: false };
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
