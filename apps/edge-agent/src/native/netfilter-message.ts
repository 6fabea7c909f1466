import { HEADER_BYTES } from './netlink-socket.ts';

/** The values are those of linux/netlink.h and linux/netfilter/nfnetlink.h. */
export const NETLINK_NETFILTER = 12;
export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
/** Of the type of an attribute: its flags left out. */
const TYPE = 0x3fff;

/** Of `struct nfgenmsg`, which follows the header: family, version, number. */
export const GENERIC_BYTES = 4;

export interface NetfilterMessage {
  /** Part of the filter, times 256, and what is to be done. */
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly family?: number;
  /** Such as that of a group of the log. */
  readonly number?: number;
}

/** `struct nlmsghdr`, `struct nfgenmsg` and attributes. */
export function netfilterMessage(
  { type, flags, sequence, family = 0, number = 0 }: NetfilterMessage,
  attributes: readonly Buffer[],
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES + GENERIC_BYTES);
  const body = Buffer.concat(attributes);
  header.writeUInt32LE(header.length + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(sequence, 8);
  header[HEADER_BYTES] = family;
  header.writeUInt16BE(number, HEADER_BYTES + 2);
  return Buffer.concat([header, body]);
}

/** `struct nlattr` and its value. */
export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** `struct nlattr` in a row, by their types; those after one that is cut are left out. */
export function attributesIn(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    found.set(bytes.readUInt16LE(at + 2) & TYPE, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

/** Messages in a row: what each is, and what follows its header. */
export function* messagesIn(part: Buffer) {
  for (let at = 0; at + HEADER_BYTES <= part.length; ) {
    const length = part.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > part.length) return;
    yield {
      type: part.readUInt16LE(at + 4),
      flags: part.readUInt16LE(at + 6),
      sequence: part.readUInt32LE(at + 8),
      body: part.subarray(at + HEADER_BYTES, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/** Of `struct nlmsgerr`: number of the error, 0 for none. */
export function errorIn(body: Buffer): number {
  return -body.readInt32LE(0);
}

/** Up to the first zero byte. */
export function textIn(bytes: Buffer | undefined): string {
  return (bytes?.toString('latin1') ?? '').replace(/\0.*$/s, '');
}
