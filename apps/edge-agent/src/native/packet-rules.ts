import { RaypherError } from '@raypher/shared';
import { errnoName } from './libc.ts';
import {
  attribute,
  attributesIn,
  errorIn,
  GENERIC_BYTES,
  messagesIn,
  NETLINK_NETFILTER,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  netfilterMessage,
  textIn,
} from './netfilter-message.ts';
import { NetlinkSocket } from './netlink-socket.ts';

/** The values are those of linux/netlink.h and linux/netfilter/nf_tables.h. */
const NLM_F_DUMP_INTR = 0x10;
const NFPROTO_INET = 1;
const SUBSYSTEM = 10 << 8;
const NEW_RULE = SUBSYSTEM | 6;
const GET_RULE = SUBSYSTEM | 7;
const RULE_TABLE = 1;
const RULE_CHAIN = 2;
const RULE_HANDLE = 3;
const RULE_USERDATA = 7;
/** Of what user space keeps with a rule (libnftnl's udata). */
const USERDATA_COMMENT = 0;
const ENOENT = 2;

const WAIT_MS = 50;
/** Rules were changed meanwhile: the list is asked for again so often. */
const MAX_TRIES = 8;
const MAX_PARTS = 100_000;

/** A rule of the packet filter, without what it says. */
export interface PacketRule {
  readonly chain: string;
  /** No two rules of a table ever have the same. */
  readonly handle: bigint;
  /** Empty without one. */
  readonly comment: string;
}

/**
 * The rules of one table of the family inet. What it costs depends on them alone, however many others there are; the
 * library for rules reads those of all tables first.
 *
 * @returns none when there is no such table
 * @throws RaypherError `platform/unsupported` when the kernel does not say
 */
export function listRules(table: string): PacketRule[] {
  using netlink = NetlinkSocket.open(NETLINK_NETFILTER);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    netlink.send((sequence) =>
      netfilterMessage(
        { type: GET_RULE, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence, family: NFPROTO_INET },
        [attribute(RULE_TABLE, Buffer.from(`${table}\0`, 'latin1'))],
      ),
    );
    const found = readAll(netlink);
    if (found !== undefined) return found.filter(({ table: of }) => of === table);
  }
  throw new RaypherError(
    'platform/unsupported',
    'The rules of the packet filter change too fast to be listed.',
  );
}

/** @returns undefined when the list is not whole */
function readAll(netlink: NetlinkSocket): (PacketRule & { table: string })[] | undefined {
  const rules: (PacketRule & { table: string })[] = [];
  let isWhole = true;
  for (let parts = 0; parts < MAX_PARTS; parts += 1) {
    const part = netlink.receive(WAIT_MS);
    if (part === 'other') continue;
    if (part === 'nothing' || part === 'lost') return undefined;
    for (const { type, flags, sequence, body } of messagesIn(part)) {
      if (sequence !== netlink.sequence) continue;
      if ((flags & NLM_F_DUMP_INTR) !== 0) isWhole = false;
      if (type === NLMSG_DONE) return isWhole ? rules : undefined;
      if (type === NLMSG_ERROR) {
        const code = errorIn(body);
        if (code === ENOENT) return [];
        throw new RaypherError('platform/unsupported', `Rules cannot be listed: ${errnoName(code)}.`);
      }
      if (type === NEW_RULE) rules.push(readRule(body.subarray(GENERIC_BYTES)));
    }
  }
  return undefined;
}

function readRule(attributes: Buffer): PacketRule & { table: string } {
  const found = attributesIn(attributes);
  const handle = found.get(RULE_HANDLE);
  return {
    table: textIn(found.get(RULE_TABLE)),
    chain: textIn(found.get(RULE_CHAIN)),
    handle: handle?.length === 8 ? handle.readBigUInt64BE() : 0n,
    comment: commentIn(found.get(RULE_USERDATA) ?? Buffer.alloc(0)),
  };
}

function commentIn(userdata: Buffer): string {
  for (let at = 0; at + 2 <= userdata.length; ) {
    const [type, length = 0] = [userdata[at], userdata[at + 1]];
    if (type === USERDATA_COMMENT) return textIn(userdata.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return '';
}
