import { isIPv4 } from 'node:net';
import { RaypherError } from '@raypher/shared';
import { errnoName } from './libc.ts';

/** The values are those of linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h. */
const AF_INET = 2;
const AF_INET6 = 10;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const IPPROTO_TCP = 6;
const ENOENT = 2;
const EPERM = 1;
const EINVAL = 22;
const EOPNOTSUPP = 95;

const HEADER_BYTES = 16;
const REQUEST_BYTES = HEADER_BYTES + 56;
const MESSAGE_BYTES = 72;
/** `struct inet_diag_sockid`: ports, addresses, interface and cookie. */
const ID_BYTES = 48;

/** By number, linux/tcp_states.h. */
const STATES = [
  '',
  'established',
  'syn-sent',
  'syn-received',
  'fin-wait-1',
  'fin-wait-2',
  'time-wait',
  'closed',
  'close-wait',
  'last-ack',
  'listening',
  'closing',
  'syn-received',
] as const;
/** Everything but what listens, what is closed and what only waits for late packets: those carry nothing. */
const CONNECTED = [1, 2, 3, 4, 5, 8, 9, 11, 12].reduce((mask, state) => mask | (1 << state), 0);
const LISTENING = 1 << 10;

/** One TCP connection as the kernel lists it. */
export interface TcpSocket {
  family: 'IPv4' | 'IPv6';
  state: string;
  /** "127.0.0.1:8888", "[::1]:8888" */
  local: string;
  remote: string;
  /** As in /proc/PID/fd: `socket:[inode]`. */
  inode: string;
  /** What the kernel knows it by, its cookie included. */
  id: Buffer;
}

/** @returns the question for all connections of a family, or for what listens as well */
export function encodeList(family: TcpSocket['family'], sequence: number, withListening: boolean): Buffer {
  const message = request(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, sequence, family);
  message.writeUInt32LE(withListening ? CONNECTED | LISTENING : CONNECTED, 20);
  return message;
}

/** @returns the order to end exactly this connection */
export function encodeDestroy({ family, id }: TcpSocket, sequence: number): Buffer {
  const message = request(SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, sequence, family);
  message.writeUInt32LE(0xffffffff, 20);
  id.copy(message, 24);
  return message;
}

/**
 * Reads one part of a list: any number of messages in a row.
 *
 * @throws RaypherError `platform/unsupported` when the kernel refused to list
 */
export function readListed(part: Buffer): { sockets: TcpSocket[]; isLast: boolean } {
  const sockets: TcpSocket[] = [];
  for (let at = 0; at + HEADER_BYTES <= part.length; ) {
    const length = part.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > part.length) break;
    const type = part.readUInt16LE(at + 4);
    if (type === NLMSG_DONE) return { sockets, isLast: true };
    if (type === NLMSG_ERROR) throw refused('listed', -part.readInt32LE(at + HEADER_BYTES));
    if (type === SOCK_DIAG_BY_FAMILY && length >= HEADER_BYTES + MESSAGE_BYTES) {
      const socket = readSocket(part.subarray(at + HEADER_BYTES, at + HEADER_BYTES + MESSAGE_BYTES));
      if (socket !== undefined) sockets.push(socket);
    }
    at += (length + 3) & ~3;
  }
  return { sockets, isLast: false };
}

/** @throws RaypherError `platform/unsupported` for a kernel that cannot do it, `process/permission` */
export function readDestroyed(answer: Buffer): 'ended' | 'gone' {
  if (answer.readUInt16LE(4) !== NLMSG_ERROR) {
    throw new RaypherError('platform/unsupported', 'Netlink answered with something else.');
  }
  const code = -answer.readInt32LE(HEADER_BYTES);
  if (code === 0) return 'ended';
  if (code === ENOENT) return 'gone';
  throw refused('ended', code);
}

/** `struct nlmsghdr` and `struct inet_diag_req_v2` with nothing asked for yet. */
function request(type: number, flags: number, sequence: number, family: TcpSocket['family']): Buffer {
  const message = Buffer.alloc(REQUEST_BYTES);
  message.writeUInt32LE(REQUEST_BYTES, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  message[16] = family === 'IPv4' ? AF_INET : AF_INET6;
  message[17] = IPPROTO_TCP;
  return message;
}

/** `struct inet_diag_msg`. @returns undefined for a socket that belongs to nobody any more */
function readSocket(message: Buffer): TcpSocket | undefined {
  const inode = message.readUInt32LE(68);
  if (inode === 0) return undefined;
  const family = message[0] === AF_INET ? 'IPv4' : 'IPv6';
  const width = family === 'IPv4' ? 4 : 16;
  return {
    family,
    state: STATES[message[1] ?? 0] ?? 'unknown',
    local: formatEnd(message.subarray(8, 8 + width), message.readUInt16BE(4)),
    remote: formatEnd(message.subarray(24, 24 + width), message.readUInt16BE(6)),
    inode: String(inode),
    id: Buffer.from(message.subarray(4, 4 + ID_BYTES)),
  };
}

/** "127.0.0.1:8888", "[::1]:8888" @param address 4 or 16 bytes */
export function formatEnd(address: Buffer, port: number): string {
  if (address.length === 4) return `${address.join('.')}:${port}`;
  const words = Array.from({ length: 8 }, (_, word) => address.readUInt16BE(word * 2).toString(16));
  // The URL parser shortens as RFC 5952 says.
  const host = new URL(`http://[${words.join(':')}]/`).hostname;
  const mapped =
    words.slice(0, 6).join(':') === '0:0:0:0:0:ffff' ? address.subarray(12).join('.') : undefined;
  return `${mapped !== undefined && isIPv4(mapped) ? mapped : host}:${port}`;
}

function refused(what: string, code: number): RaypherError {
  if (code === EPERM) {
    return new RaypherError(
      'process/permission',
      `Connections may not be ${what} here: ${errnoName(code)}.`,
      {
        hint: 'Run the agent as root.',
      },
    );
  }
  const why =
    code === EOPNOTSUPP || code === EINVAL
      ? `this kernel cannot do it (CONFIG_INET_DIAG_DESTROY is not set: ${errnoName(code)})`
      : errnoName(code);
  return new RaypherError('platform/unsupported', `Connections cannot be ${what}: ${why}.`);
}
