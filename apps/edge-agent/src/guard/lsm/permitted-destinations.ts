import { BlockList, isIPv4 } from 'node:net';
import { destinationKey } from './layout.ts';

/** Where AI agents may connect to past the proxy. */
export interface Destination {
  /** An address, or a network such as "10.0.0.0/8". */
  readonly network: string;
  /** Undefined: any. */
  readonly ports?: readonly number[];
}

const MAPPED_BITS = 96;

/** Keys of the map of permitted destinations; IPv4 stands in it as IPv4 within IPv6. */
export function encodeDestination({ network, ports }: Destination): Buffer[] {
  const [address = '', length] = network.split('/');
  const isV4 = isIPv4(address);
  const bits = length === undefined ? (isV4 ? 32 : 128) : Number(length);
  const bytes = isV4 ? mapped(address) : bytesOf(address);
  return (ports ?? [0]).map((port) => destinationKey(bytes, isV4 ? MAPPED_BITS + bits : bits, port));
}

function mapped(address: string): Buffer {
  return Buffer.concat([
    Buffer.from('00000000000000000000ffff', 'hex'),
    Buffer.from(address.split('.').map(Number)),
  ]);
}

function bytesOf(address: string): Buffer {
  // Throws when it is no address.
  new BlockList().addAddress(address, 'ipv6');
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const groups = tail === undefined ? before : [...before, ...zeros, ...after];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
