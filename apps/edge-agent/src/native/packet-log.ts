import { randomInt } from 'node:crypto';
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
  NLM_F_REQUEST,
  NLMSG_ERROR,
  netfilterMessage,
  textIn,
} from './netfilter-message.ts';
import { NetlinkSocket } from './netlink-socket.ts';

/** The values are those of linux/netfilter/nfnetlink_log.h. */
const PACKET_MESSAGE = 4 << 8;
const CONFIG_MESSAGE = PACKET_MESSAGE | 1;
const CONFIG_COMMAND = 1;
const CONFIG_MODE = 2;
const CONFIG_THRESHOLD = 5;
const BIND = 1;
const COPY_PACKET = 2;
const PACKET_PAYLOAD = 9;
const PACKET_PREFIX = 10;
const EBUSY = 16;

/** As much of a packet as has addresses and ports in it, extension headers of IPv6 included. */
const COPIED_BYTES = 256;
const WAIT_MS = 50;
const MAX_ANSWERS = 16;
/** Groups are numbered; which are taken, only trying tells. */
const GROUPS = { first: 20_000, end: 60_000, tries: 32 } as const;
/** Read in one go; what is left waits for the next. */
const MAX_MESSAGES = 512;

/** A packet that a rule with `log group …` saw. */
export interface LoggedPacket {
  readonly prefix: string;
  /** Its first bytes, from the header of IP on. Valid until the next is read. */
  readonly payload: Buffer;
}

/** Packets that rules of the packet filter log for a reader of their own (nfnetlink_log). */
export class PacketLog implements Disposable {
  readonly #netlink: NetlinkSocket;
  readonly #group: number;
  #lost = 0;

  private constructor(netlink: NetlinkSocket, group: number) {
    this.#netlink = netlink;
    this.#group = group;
  }

  /**
   * Reads from a group that nobody else reads from.
   *
   * @throws RaypherError `platform/unsupported` with the reason
   */
  static open(): PacketLog {
    const netlink = NetlinkSocket.open(NETLINK_NETFILTER);
    try {
      for (let tries = 0; tries < GROUPS.tries; tries += 1) {
        const group = randomInt(GROUPS.first, GROUPS.end);
        const flags = NLM_F_REQUEST | NLM_F_ACK;
        netlink.send((sequence) =>
          netfilterMessage({ type: CONFIG_MESSAGE, flags, sequence, number: group }, [
            attribute(CONFIG_COMMAND, Buffer.of(BIND)),
            attribute(CONFIG_MODE, copyMode(COPIED_BYTES)),
            attribute(CONFIG_THRESHOLD, bigEndian32(1)),
          ]),
        );
        const refusal = answerOf(netlink);
        if (refusal === 0) return new PacketLog(netlink, group);
        if (refusal !== EBUSY) {
          throw new RaypherError('platform/unsupported', `Packets cannot be logged: ${errnoName(refusal)}.`);
        }
      }
      throw new RaypherError('platform/unsupported', 'Packets cannot be logged: no group is free.');
    } catch (error) {
      netlink.close();
      throw error;
    }
  }

  /** For `log group …`. */
  get group(): number {
    return this.#group;
  }

  /** How often the kernel had to drop some, since the start. How many, it does not say. */
  get lost(): number {
    return this.#lost;
  }

  /** Reads what has gathered. Never blocks. */
  read(receive: (packet: LoggedPacket) => void): void {
    for (let messages = 0; messages < MAX_MESSAGES; messages += 1) {
      const part = this.#netlink.receive(0);
      if (part === 'nothing') return;
      if (part === 'other') continue;
      if (part === 'lost') {
        this.#lost += 1;
        continue;
      }
      for (const { type, body } of messagesIn(part)) {
        if (type === PACKET_MESSAGE) receive(readPacket(body.subarray(GENERIC_BYTES)));
      }
    }
  }

  close(): void {
    this.#netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function readPacket(attributes: Buffer): LoggedPacket {
  const found = attributesIn(attributes);
  return {
    prefix: textIn(found.get(PACKET_PREFIX)),
    payload: found.get(PACKET_PAYLOAD) ?? Buffer.alloc(0),
  };
}

/** @returns number of the error, 0 for none */
function answerOf(netlink: NetlinkSocket): number {
  for (let answers = 0; answers < MAX_ANSWERS; answers += 1) {
    const answer = netlink.receive(WAIT_MS);
    if (answer === 'nothing') break;
    if (answer === 'other' || answer === 'lost') continue;
    for (const { type, sequence, body } of messagesIn(answer)) {
      if (type === NLMSG_ERROR && sequence === netlink.sequence) return errorIn(body);
    }
  }
  throw new RaypherError('platform/unsupported', 'The log of packets does not answer.');
}

function copyMode(range: number): Buffer {
  return Buffer.concat([bigEndian32(range), Buffer.of(COPY_PACKET, 0)]);
}

function bigEndian32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
