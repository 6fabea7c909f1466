import { canonicalBytes } from '@raypher/ledger';
import { LedgerEntry, MAX_ENTRY_BYTES } from '@raypher/shared';

/** One ledger entry, checked, together with the exact text that was hashed. */
export interface CheckedEntry extends LedgerEntry {
  text: string;
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
  const text = buffer.toString('utf8');
  const value: unknown = JSON.parse(text);
  const parsed = LedgerEntry.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a ledger entry'}`);
  }
  if (!buffer.equals(canonicalBytes(value))) throw new Error('the entry is not in canonical form (RFC 8785)');
  const entry = parsed.data;
  if (entry.organisation !== organisation || entry.device !== device) {
    throw new Error('the entry names another device');
  }
  if (!isStorableTime(entry.at)) throw new Error('at: not a time that can be stored');
  return { ...entry, text };
}

/** Postgres knows no year 0, and nobody's clock is honestly beyond these. */
function isStorableTime(at: string): boolean {
  const ms = Date.parse(at);
  return ms >= Date.UTC(1970, 0, 1) && ms < Date.UTC(10_000, 0, 1);
}
