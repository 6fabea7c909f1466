import { isIPv4, isIPv6 } from 'node:net';
import type { SocketEnds } from '../native/inet-diag.ts';

/** A connection as the server side sees it: `socket.localPort`, `socket.remoteAddress` and so on. */
export interface Connection {
  localPort: number;
  remotePort: number;
  /** "127.0.0.1", "::1", "::ffff:127.0.0.1" */
  localAddress: string;
  remoteAddress: string;
}

/**
 * The same connection from the caller's side: its own end is our remote end.
 *
 * @returns undefined when an address cannot be understood
 */
export function callersEnds(connection: Connection): SocketEnds | undefined {
  const own = addressBytes(connection.remoteAddress);
  const other = addressBytes(connection.localAddress);
  if (own === undefined || other === undefined || own.length !== other.length) return undefined;
  return {
    own: { address: own, port: connection.remotePort },
    other: { address: other, port: connection.localPort },
  };
}

/**
 * 4 bytes, or 16. An IPv4 address that a socket of IPv6 shows counts as IPv4: the kernel finds both kinds of
 * socket by it.
 */
export function addressBytes(text: string): Buffer | undefined {
  const bare = text.split('%', 1)[0] ?? '';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
  if (isIPv4(mapped)) return Buffer.from(mapped.split('.').map(Number));
  if (!isIPv6(mapped)) return undefined;
  // The URL parser writes every form of an address the one way that RFC 5952 §4 describes, dotted ends included.
  const canonical = new URL(`http://[${mapped}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const [first, last] = [words(head), words(tail ?? '')];
  const bytes = Buffer.alloc(16);
  for (const [index, word] of first.entries()) bytes.writeUInt16BE(word, index * 2);
  for (const [index, word] of last.entries()) bytes.writeUInt16BE(word, 16 - 2 * (last.length - index));
  return isMapped(bytes) ? Buffer.from(bytes.subarray(12)) : bytes;
}

/** A connection between two loopback addresses has both of its ends in one network namespace. */
export function isLoopback(address: Buffer): boolean {
  return address.length === 4 ? address[0] === 127 : address.readBigUInt64BE(0) === 0n && lastIsOne(address);
}

function lastIsOne(address: Buffer): boolean {
  return address.readBigUInt64BE(8) === 1n;
}

function isMapped(bytes: Buffer): boolean {
  return bytes.readBigUInt64BE(0) === 0n && bytes.readUInt32BE(8) === 0xffff;
}
