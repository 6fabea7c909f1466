import { RaypherError } from '@raypher/shared';
import { errnoName } from './libc.ts';
import {
  attribute,
  attributesIn,
  errorIn,
  GENERIC_BYTES,
  messagesIn,
  NETLINK_NETFILTER,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  netfilterMessage,
} from './netfilter-message.ts';
import { NetlinkSocket } from './netlink-socket.ts';

/** The values are those of linux/netfilter/nfnetlink_conntrack.h. */
const NLA_F_NESTED = 0x8000;
const SUBSYSTEM = 1 << 8;
const NEW_ENTRY = SUBSYSTEM | 0;
const GET_ENTRY = SUBSYSTEM | 1;
const DELETE_ENTRY = SUBSYSTEM | 2;
const TUPLE_ORIGINAL = 1;
const TUPLE_REPLY = 2;
const ENTRY_ID = 12;
const TUPLE_ADDRESSES = 1;
const TUPLE_PROTOCOL = 2;
const IPV4_SOURCE = 1;
const IPV6_SOURCE = 3;
const PROTOCOL_NUMBER = 1;
const SOURCE_PORT = 2;
const DESTINATION_PORT = 3;
const IPPROTO_UDP = 17;
const ENOENT = 2;

const WAIT_MS = 50;
/** Each of some hundred entries: a machine that tracks more than that many is not searched to the end. */
const MAX_PARTS = 4096;

/** Datagrams that are led elsewhere, as the kernel remembers them (nf_conntrack). */
export interface LedDatagrams {
  /** To which port they were sent. */
  readonly port: number;
  /** Where they are led: address, 4 or 16 bytes, and port. */
  readonly to: { readonly address: Buffer; readonly port: number };
}

interface Entry extends LedDatagrams {
  readonly family: number;
  readonly original: Buffer;
  readonly id: Buffer | undefined;
}

/**
 * Makes the kernel forget where datagrams of a socket are led, so that the rules are asked about the next one.
 *
 * @param isStale about each that there is
 * @returns how many were forgotten
 * @throws RaypherError `platform/unsupported` when the kernel does not tell
 */
export function forgetLedDatagrams(isStale: (led: LedDatagrams) => boolean): number {
  using netlink = NetlinkSocket.open(NETLINK_NETFILTER);
  netlink.send((sequence) =>
    netfilterMessage({ type: GET_ENTRY, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence }, []),
  );
  const stale = listed(netlink).filter(isStale);
  return stale.filter((entry) => forget(netlink, entry)).length;
}

function listed(netlink: NetlinkSocket): Entry[] {
  const entries: Entry[] = [];
  for (let parts = 0; parts < MAX_PARTS; parts += 1) {
    const part = netlink.receive(WAIT_MS);
    if (part === 'nothing') break;
    if (part === 'other' || part === 'lost') continue;
    for (const { type, body } of messagesIn(part)) {
      if (type === NLMSG_DONE) return entries;
      if (type === NLMSG_ERROR) throw refused(errorIn(body));
      const entry = type === NEW_ENTRY ? readEntry(body) : undefined;
      if (entry !== undefined) entries.push(entry);
    }
  }
  return entries;
}

/** @returns undefined for what is no datagram */
function readEntry(body: Buffer): Entry | undefined {
  const found = attributesIn(body.subarray(GENERIC_BYTES));
  const [original, reply] = [found.get(TUPLE_ORIGINAL), found.get(TUPLE_REPLY)];
  if (original === undefined || reply === undefined) return undefined;
  const asked = attributesIn(attributesIn(original).get(TUPLE_PROTOCOL) ?? Buffer.alloc(0));
  if (asked.get(PROTOCOL_NUMBER)?.[0] !== IPPROTO_UDP) return undefined;
  const answered = attributesIn(reply);
  const addresses = attributesIn(answered.get(TUPLE_ADDRESSES) ?? Buffer.alloc(0));
  const answering = attributesIn(answered.get(TUPLE_PROTOCOL) ?? Buffer.alloc(0));
  const address = addresses.get(IPV4_SOURCE) ?? addresses.get(IPV6_SOURCE) ?? Buffer.alloc(0);
  const id = found.get(ENTRY_ID);
  return {
    family: body[0] ?? 0,
    port: portIn(asked.get(DESTINATION_PORT)),
    to: { address: Buffer.from(address), port: portIn(answering.get(SOURCE_PORT)) },
    // What is read next overwrites it.
    original: Buffer.from(original),
    id: id && Buffer.from(id),
  };
}

/** @returns false when it has gone meanwhile */
function forget(netlink: NetlinkSocket, { family, original, id }: Entry): boolean {
  const attributes = [attribute(TUPLE_ORIGINAL | NLA_F_NESTED, original)];
  if (id !== undefined) attributes.push(attribute(ENTRY_ID, id));
  const flags = NLM_F_REQUEST | NLM_F_ACK;
  netlink.send((sequence) => netfilterMessage({ type: DELETE_ENTRY, flags, sequence, family }, attributes));
  for (let answers = 0; answers < MAX_PARTS; answers += 1) {
    const answer = netlink.receive(WAIT_MS);
    if (answer === 'nothing') break;
    if (answer === 'other' || answer === 'lost') continue;
    for (const { sequence, body } of messagesIn(answer)) {
      if (sequence !== netlink.sequence) continue;
      const code = errorIn(body);
      if (code !== 0 && code !== ENOENT) throw refused(code);
      return code === 0;
    }
  }
  return false;
}

function portIn(bytes: Buffer | undefined): number {
  return bytes?.length === 2 ? bytes.readUInt16BE() : 0;
}

function refused(code: number): RaypherError {
  return new RaypherError('platform/unsupported', `Tracked connections cannot be read: ${errnoName(code)}.`);
}
