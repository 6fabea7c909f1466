import type { NetworkEvent } from './kernel-layout.ts';

/** RFC 790 and its successors; what is not in here is shown by number. */
const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  58: 'icmp6',
  132: 'sctp',
  136: 'udplite',
  255: 'raw',
  262: 'mptcp',
};
const SOCK_RAW = 3;
const QUIC_PORT = 443;

/** What was tried: `203.0.113.7:443/udp`, or the kind of socket. */
export function refusedTarget({ operation, address, port, protocol, type }: NetworkEvent): string {
  const name = PROTOCOL_NAMES[protocol] ?? String(protocol);
  if (operation === 'socket') return type === SOCK_RAW ? `raw socket (${name})` : `socket (${name})`;
  const host = address.includes(':') ? `[${address}]` : address;
  return port === 0 ? `${host}/${name}` : `${host}:${port}/${name}`;
}

/** Why, in one sentence. */
export function refusedBecause({ operation, port, protocol }: NetworkEvent): string {
  if (operation === 'socket') return 'Sockets of this kind go past the proxy.';
  if (operation === 'connect') return 'The agent is not there to decide about connections.';
  if (protocol === 6) return 'The connection was made before the proxy could take it.';
  if (protocol === 17 && port === QUIC_PORT) return 'QUIC goes past the proxy; clients use TCP instead.';
  if (protocol === 17 && port === 53) return 'The agent is not there to look names up.';
  return 'What is no TCP goes past the proxy.';
}
