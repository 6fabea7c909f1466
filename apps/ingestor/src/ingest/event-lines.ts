import { type CopyValue, copyLine } from './copy-text.ts';
import { plainText } from './plain-text.ts';
import type { CheckedEntry } from './read-entry.ts';

/** Columns of `events` that are known once an entry is verified, in the order of {@link EventLines}. */
export const ENTRY_COLUMNS = `organisation_id, device_id, seq, occurred_at, type, severity, actor_kind, actor_id,
  actor_name, action, target, outcome, mode, rule, policy_revision, hash, entry`;

/**
 * Bytes that each line begins with, for what is known only when it is committed: position, day and time of arrival, see
 * `copyText`.
 */
export const ARRIVAL_BYTES = '0000000000000000\t2026-12-01\t2026-12-01T00:00:00.000Z\t'.length;

/** What stands there until then. */
const NOT_ARRIVED = Buffer.alloc(ARRIVAL_BYTES, ' ');

/**
 * Lines of COPY, one for each entry, behind {@link ARRIVAL_BYTES} that say nothing yet: `text` is cut at `ends`, byte
 * offsets. Both can be handed to another thread.
 */
export interface EventLines {
  text: Uint8Array<ArrayBuffer>;
  ends: Uint32Array<ArrayBuffer>;
}

/** Lines of one batch are written here first; a batch is about a megabyte at most. */
let scratch = Buffer.allocUnsafe(1024 * 1024);

/** Writes the lines of one batch at a time, so that nothing of an entry outlives its line. */
export class LineWriter {
  private readonly ends: Uint32Array<ArrayBuffer>;
  private count = 0;
  private end = 0;

  /** @param most lines that will be added */
  constructor(most: number) {
    this.ends = new Uint32Array(most);
  }

  /** @param hash of the entry, lower-case hex */
  add(checked: CheckedEntry, hash: string): void {
    const line = eventLine(checked, hash);
    // No code unit takes more than three bytes in UTF-8.
    makeRoomFor(this.end, ARRIVAL_BYTES + line.length * 3);
    scratch.set(NOT_ARRIVED, this.end);
    this.end += ARRIVAL_BYTES;
    this.end += scratch.write(line, this.end);
    this.ends[this.count] = this.end;
    this.count += 1;
  }

  finish(): EventLines {
    // With memory of its own, as what is handed on must be, that nobody has cleared first.
    const text = Buffer.allocUnsafeSlow(this.end);
    text.set(scratch.subarray(0, this.end));
    return { text, ends: this.ends.slice(0, this.count) };
  }
}

function makeRoomFor(used: number, more: number): void {
  if (used + more <= scratch.length) return;
  const larger = Buffer.allocUnsafe(2 * (used + more));
  scratch.copy(larger, 0, 0, used);
  scratch = larger;
}

/** The columns are for looking and searching; `entry` keeps the exact bytes. */
export function eventLine({ entry, text, isPlain }: CheckedEntry, hash: string): string {
  return isPlain ? plainLine(entry, text, hash) : copyLine(columnsOf(entry, text, hash));
}

/** Nothing in it that COPY would read in another way: no control characters in canonical JSON, and no backslashes. */
function plainLine(entry: CheckedEntry['entry'], text: string, hash: string): string {
  const { organisation, device, seq, at, type, severity, actor, action, target, verdict } = entry;
  const judged =
    verdict === undefined
      ? '\\N\t\\N\t\\N\t\\N'
      : `${verdict.outcome}\t${verdict.mode}\t${verdict.rule}\t${verdict.revision}`;
  return `${organisation}\t${device}\t${seq}\t${at}\t${type}\t${severity}\t${actor.kind}\t${actor.id}\t${actor.name}\t${action}\t${target}\t${judged}\t\\\\x${hash}\t${text}\n`;
}

function columnsOf(entry: CheckedEntry['entry'], text: string, hash: string): CopyValue[] {
  const { actor, verdict } = entry;
  return [
    entry.organisation,
    entry.device,
    entry.seq,
    new Date(entry.at).toISOString(),
    entry.type,
    entry.severity,
    actor.kind,
    plainText(actor.id, 128),
    plainText(actor.name, 256),
    plainText(entry.action, 128),
    plainText(entry.target, 2048),
    verdict?.outcome ?? null,
    verdict?.mode ?? null,
    verdict === undefined ? null : plainText(verdict.rule, 128),
    verdict?.revision ?? null,
    Buffer.from(hash, 'hex'),
    text,
  ];
}
