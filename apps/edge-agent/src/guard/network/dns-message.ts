import { decode } from 'dns-packet';

/** What a message asks about (RFC 1035 §4.1.2), and how. */
export interface Question {
  readonly id: number;
  /** Lower case, without the root dot. */
  readonly name: string;
  /** Number of the type of records. */
  readonly type: number;
  /** As it was asked: name, type and class. */
  readonly bytes: Buffer;
  /** The flags that are a question's own: recursion wanted, authenticated data, checking disabled. */
  readonly flags: number;
  /** EDNS (RFC 6891): whether the asker speaks it, and wants signatures. */
  readonly edns: { readonly wantsSignatures: boolean } | undefined;
}

export const RCODES = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, refused: 5 } as const;
export const TYPES = { a: 1, aaaa: 28, svcb: 64, https: 65 } as const;

const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
const CLASS_INTERNET = 1;
const RESPONSE = 0x8000;
const OPCODES = 0x7800;
const TRUNCATED = 0x0200;
const RECURSION_AVAILABLE = 0x0080;
/** Recursion desired, authenticated data, checking disabled. */
const OWN_FLAGS = 0x0130;
const TYPE_OPT = 41;
const SIGNATURES_WANTED = 0x8000;
/** Fits into one packet on any network (DNS flag day 2020). */
const PAYLOAD_BYTES = 1232;
/** What host names are made of, with the underscore of services: nothing else is looked up. */
const LABEL = /^[a-z0-9_-]+$/;

/** @returns undefined for everything that is not one question of the internet's names in the usual form */
export function readQuestion(message: Buffer): Question | undefined {
  if (message.length < HEADER_BYTES + 5) return undefined;
  const flags = message.readUInt16BE(2);
  const [questions, answers, authorities] = [4, 6, 8].map((at) => message.readUInt16BE(at));
  if ((flags & (RESPONSE | OPCODES)) !== 0 || questions !== 1 || answers !== 0 || authorities !== 0) {
    return undefined;
  }
  const found = readName(message);
  if (found === undefined || message.length < found.end + 4) return undefined;
  if (message.readUInt16BE(found.end + 2) !== CLASS_INTERNET) return undefined;
  const edns = readEdns(message);
  if (edns === null) return undefined;
  return {
    id: message.readUInt16BE(0),
    name: found.name,
    type: message.readUInt16BE(found.end),
    bytes: message.subarray(HEADER_BYTES, found.end + 4),
    flags: flags & OWN_FLAGS,
    edns,
  };
}

function readName(message: Buffer): { name: string; end: number } | undefined {
  const labels: string[] = [];
  for (let at = HEADER_BYTES; at < message.length && at - HEADER_BYTES < MAX_NAME_BYTES; ) {
    const length = message.readUInt8(at);
    if (length === 0) return labels.length === 0 ? undefined : { name: labels.join('.'), end: at + 1 };
    // Longer ones are pointers, which no question needs.
    if (length > 63) return undefined;
    const label = message.toString('latin1', at + 1, at + 1 + length).toLowerCase();
    if (label.length !== length || !LABEL.test(label)) return undefined;
    labels.push(label);
    at += 1 + length;
  }
  return undefined;
}

/** `null`: the message cannot be read. */
function readEdns(message: Buffer): Question['edns'] | null {
  try {
    const option = decode(message).additionals?.find(({ type }) => type === 'OPT');
    return option?.type === 'OPT' ? { wantsSignatures: option.flag_do } : undefined;
  } catch {
    return null;
  }
}

/**
 * The same question in our words: whatever else the asker's message carried goes nowhere.
 *
 * @param id of our own
 */
export function ownQuery({ bytes, flags, edns }: Question, id: number): Buffer {
  const header = headerOf(id, flags, edns === undefined ? 0 : 1);
  return Buffer.concat([header, lowered(bytes), ...(edns === undefined ? [] : [optOf(edns)])]);
}

/** An answer of our own, without records. */
export function ownAnswer({ id, bytes, flags, edns }: Question, rcode: number): Buffer {
  const header = headerOf(id, RESPONSE | RECURSION_AVAILABLE | flags | rcode, edns === undefined ? 0 : 1);
  return Buffer.concat([header, bytes, ...(edns === undefined ? [] : [optOf(edns)])]);
}

function headerOf(id: number, flags: number, additionals: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(additionals, 10);
  return header;
}

function optOf({ wantsSignatures }: NonNullable<Question['edns']>): Buffer {
  const record = Buffer.alloc(11);
  record.writeUInt16BE(TYPE_OPT, 1);
  record.writeUInt16BE(PAYLOAD_BYTES, 3);
  record.writeUInt16BE(wantsSignatures ? SIGNATURES_WANTED : 0, 7);
  return record;
}

/** Capitals could carry data. Lengths of labels are below every letter. */
function lowered(question: Buffer): Buffer {
  return Buffer.from(question.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)));
}

/**
 * A server's answer as the answer to the asker's message.
 *
 * @returns undefined when it answers something else
 */
export function relayedAnswer(answer: Buffer, id: number, question: Question): Buffer | undefined {
  const end = HEADER_BYTES + question.bytes.length;
  if (answer.length < end || answer.readUInt16BE(0) !== id) return undefined;
  if ((answer.readUInt16BE(2) & RESPONSE) === 0 || answer.readUInt16BE(4) !== 1) return undefined;
  const asked = lowered(answer.subarray(HEADER_BYTES, end));
  if (!asked.equals(lowered(question.bytes))) return undefined;
  const relayed = Buffer.from(answer);
  relayed.writeUInt16BE(question.id, 0);
  question.bytes.copy(relayed, HEADER_BYTES);
  return relayed;
}

/** The beginning of an answer that is too long for a datagram: the asker asks again over TCP. */
export function cutAnswer(answer: Buffer, question: Question): Buffer {
  const end = HEADER_BYTES + question.bytes.length;
  const header = headerOf(question.id, answer.readUInt16BE(2) | TRUNCATED, 0);
  return Buffer.concat([header, answer.subarray(HEADER_BYTES, end)]);
}

/** Longest answer that fits the asker's datagram, in bytes. */
export function datagramBytes({ edns }: Question): number {
  return edns === undefined ? 512 : PAYLOAD_BYTES;
}

/** Addresses that an answer gives for its name; none when it cannot be read. */
export function addressesIn(answer: Buffer): string[] {
  try {
    return (decode(answer).answers ?? []).flatMap((record) =>
      record.type === 'A' || record.type === 'AAAA' ? [record.data] : [],
    );
  } catch {
    return [];
  }
}
