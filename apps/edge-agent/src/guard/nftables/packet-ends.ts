import type { LoggedPacket } from '../../native/packet-log.ts';
import { formatEnd } from '../../native/tcp-socket.ts';

const TCP = 6;
const UDP = 17;
/** Extension headers of IPv6 that may stand before what is carried: hop-by-hop, routing, destination options. */
const EXTENSIONS = new Set([0, 43, 60]);

/** Who sent a packet to whom. Addresses as texts show them; ports are 0 for protocols that have none. */
export interface PacketEnds {
  readonly protocol: number;
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
}

/** @returns undefined for what is no packet of IP, or is cut before its addresses end */
export function packetEnds(payload: LoggedPacket['payload']): PacketEnds | undefined {
  const version = (payload[0] ?? 0) >> 4;
  if (version === 4 && payload.length >= 20) {
    const addresses = { from: payload.subarray(12, 16), to: payload.subarray(16, 20) };
    return ends(payload, addresses, payload[9] ?? 0, ((payload[0] ?? 0) & 15) * 4);
  }
  if (version === 6 && payload.length >= 40) {
    const addresses = { from: payload.subarray(8, 24), to: payload.subarray(24, 40) };
    let [protocol, at] = [payload[6] ?? 0, 40];
    while (EXTENSIONS.has(protocol) && at + 2 <= payload.length) {
      [protocol, at] = [payload[at] ?? 0, at + ((payload[at + 1] ?? 0) + 1) * 8];
    }
    return ends(payload, addresses, protocol, at);
  }
  return undefined;
}

function ends(
  payload: Buffer,
  { from, to }: { from: Buffer; to: Buffer },
  protocol: number,
  at: number,
): PacketEnds {
  const hasPorts = (protocol === TCP || protocol === UDP) && at + 4 <= payload.length;
  const port = (offset: number): number => (hasPorts ? payload.readUInt16BE(at + offset) : 0);
  return {
    protocol,
    source: { address: hostOf(from), port: port(0) },
    destination: { address: hostOf(to), port: port(2) },
  };
}

/** "203.0.113.7", "2001:db8::1" */
export function hostOf(address: Buffer): string {
  return formatEnd(address, 0)
    .replace(/:0$/, '')
    .replace(/^\[|\]$/g, '');
}
