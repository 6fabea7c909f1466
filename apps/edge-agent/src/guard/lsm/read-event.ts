import { isIPv6 } from 'node:net';
import { FILE_OPERATIONS, type GuardDenial, type GuardList } from '../guard-policy.ts';
import { RANK_DEFAULT } from './layout.ts';

/** An event as the kernel programs write it (struct event in bpf/guard.h). */
export interface GuardEvent {
  /** Nanoseconds since boot. */
  readonly at: bigint;
  readonly operation: GuardDenial['operation'];
  readonly blocked: boolean;
  readonly group: number;
  readonly policy: number;
  readonly pid: number;
  readonly processName: string;
  /** Of each list the rank of this operation; undefined: a protection of the product's, or no operation on files. */
  readonly ranks: readonly number[] | undefined;
  readonly dev: number;
  /** Path from the root of its file system. */
  readonly path: string | undefined;
  readonly destination: string | undefined;
  readonly number: number;
  /** What a program would have been started with, as far as it was to be had. */
  readonly arguments: readonly string[];
  /** Parent first. */
  readonly ancestors: readonly { readonly pid: number; readonly name: string }[];
}

const OTHER_OPERATIONS = [
  'connect',
  'send',
  'socket',
  'signal',
  'trace',
  'mount',
  'namespace',
  'bpf',
  'privilege',
] as const;
const FIRST_OTHER = 16;
const [PARTS, PART_BYTES] = [16, 48];
const [ARGUMENTS, ARGUMENT_BYTES] = [8, 64];
const [ANCESTORS, ANCESTOR_BYTES] = [6, 20];
const ANCESTORS_AT = 88;
const PARTS_AT = ANCESTORS_AT + ANCESTORS * ANCESTOR_BYTES;
const ARGUMENTS_AT = PARTS_AT + PARTS * PART_BYTES;

export function readEvent(record: Buffer): GuardEvent {
  const operation = record.readUInt16LE(40);
  const family = record.readUInt16LE(44);
  const parts = record.readUInt32LE(84);
  return {
    at: record.readBigUInt64LE(0),
    operation: FILE_OPERATIONS[operation] ?? OTHER_OPERATIONS[operation - FIRST_OTHER] ?? 'privilege',
    blocked: record.readUInt16LE(42) === 1,
    group: record.readUInt32LE(24),
    policy: record.readUInt32LE(28),
    pid: record.readUInt32LE(32),
    processName: textAt(record, 64, 16),
    ranks: readRanks(record),
    dev: record.readUInt32LE(36),
    path: record.readUInt32LE(36) === 0 ? undefined : readPath(record, parts),
    destination: family === 0 ? undefined : readDestination(record),
    number: record.readUInt32LE(80),
    arguments: texts(record, ARGUMENTS_AT, ARGUMENTS, ARGUMENT_BYTES),
    ancestors: Array.from({ length: ANCESTORS }, (_, index) => ANCESTORS_AT + index * ANCESTOR_BYTES)
      .map((at) => ({ pid: record.readUInt32LE(at), name: textAt(record, at + 4, 16) }))
      .filter(({ pid }) => pid !== 0),
  };
}

/** The rule that decided: of the lists that deny, the first. */
export function ruleOf(event: GuardEvent, lists: readonly GuardList[]): GuardDenial['rule'] {
  const found = lists.flatMap((list, index) => {
    const rank = event.ranks?.[index];
    if (rank === undefined || rank % 2 === 0 || (event.blocked && list.mode !== 'enforce')) return [];
    if (list.section === 'self') return [undefined];
    const rule = rank >= RANK_DEFAULT ? undefined : list.rules[rank >> 1];
    return [{ layer: list.layer, id: rule?.id ?? `${list.section}-default` }];
  });
  return found[0];
}

function readRanks(record: Buffer): number[] | undefined {
  if (record.readBigUInt64LE(8) === 0n && record.readBigUInt64LE(16) === 0n) return undefined;
  return Array.from({ length: 8 }, (_, list) => record.readUInt16LE(8 + list * 2));
}

function readPath(record: Buffer, parts: number): string {
  const names = texts(record, PARTS_AT, Math.min(parts, PARTS), PART_BYTES).reverse();
  return `${parts > PARTS - 1 ? '…' : ''}/${names.join('/')}`;
}

function readDestination(record: Buffer): string {
  const bytes = record.subarray(48, 64);
  const port = record.readUInt16LE(46);
  const isMapped = bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex'));
  if (isMapped) return `${[...bytes.subarray(12)].join('.')}:${port}`;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  const address = new URL(`http://[${groups.join(':')}]`).hostname;
  return isIPv6(address.slice(1, -1)) ? `${address}:${port}` : `[${groups.join(':')}]:${port}`;
}

function texts(record: Buffer, at: number, count: number, bytes: number): string[] {
  const found = Array.from({ length: count }, (_, index) => textAt(record, at + index * bytes, bytes));
  const end = found.indexOf('');
  return end === -1 ? found : found.slice(0, end);
}

function textAt(record: Buffer, at: number, bytes: number): string {
  const text = record.subarray(at, at + bytes);
  const end = text.indexOf(0);
  return text.toString('utf8', 0, end === -1 ? bytes : end);
}
