import { canonicalBytes } from '@raypher/ledger';
import { LedgerEntry, MAX_ENTRY_BYTES } from '@raypher/shared';
import { readQuickly } from './quick-entry.ts';

/** One ledger entry, checked, together with the exact text that was hashed. */
export interface CheckedEntry {
  entry: LedgerEntry;
  text: string;
  /** Its texts are fit for screens and short enough, and nothing anywhere has a backslash. Not always known. */
  isPlain: boolean;
}

/**
 * Reads one canonical entry of one device.
 *
 * Only the canonical form is taken: an entry with a key twice, or with bytes that are not UTF-8, would
 * mean one thing to us and another to somebody who verifies the ledger.
 *
 * @throws Error saying what is wrong with it.
 */
export function readEntry(bytes: Uint8Array, organisation: string, device: string): CheckedEntry {
  if (bytes.length > MAX_ENTRY_BYTES) throw new Error(`the entry is larger than ${MAX_ENTRY_BYTES} bytes`);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const quick = readQuickly(buffer);
  const checked = quick ?? readInFull(buffer);
  const { entry } = checked;
  if (entry.organisation !== organisation || entry.device !== device) {
    throw new Error('the entry names another device');
  }
  if (quick === undefined && !isStorableTime(entry.at)) throw new Error('at: not a time that can be stored');
  return checked;
}

/** What counts: the schema, and the bytes that RFC 8785 gives its value. */
export function readInFull(buffer: Buffer): CheckedEntry {
  const text = buffer.toString('utf8');
  const value: unknown = JSON.parse(text);
  const parsed = LedgerEntry.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a ledger entry'}`);
  }
  if (!buffer.equals(canonicalBytes(value))) throw new Error('the entry is not in canonical form (RFC 8785)');
  return { entry: parsed.data, text, isPlain: false };
}

/** Postgres knows no year 0, and nobody's clock is honestly beyond these. */
function isStorableTime(at: string): boolean {
  const ms = Date.parse(at);
  return ms >= Date.UTC(1970, 0, 1) && ms < Date.UTC(10_000, 0, 1);
}
