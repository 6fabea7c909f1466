import { RaypherError } from '@raypher/shared/errors';
import { TILE_WIDTH } from './tile-id.ts';

/** The length of an entry is a uint16. */
export const MAX_LOG_ENTRY_BYTES = 65_535;

const LENGTH_BYTES = 2;

/**
 * Entries as c2sp.org/tlog-tiles puts them together: before each its length, uint16 big-endian.
 *
 * @throws RangeError when there are more than 256, or one is longer than 65,535 bytes
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length > TILE_WIDTH) throw new RangeError(`A bundle has at most ${TILE_WIDTH} entries.`);
  const bytes = new Uint8Array(entries.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const entry of entries) {
    if (entry.length > MAX_LOG_ENTRY_BYTES) {
      throw new RangeError(
        `An entry of a log has at most ${MAX_LOG_ENTRY_BYTES} bytes, not ${entry.length}.`,
      );
    }
    view.setUint16(at, entry.length);
    bytes.set(entry, at + LENGTH_BYTES);
    at += LENGTH_BYTES + entry.length;
  }
  return bytes;
}

/**
 * The entries of a bundle, as views of its bytes.
 *
 * @throws RaypherError `ledger/malformed` when it is cut off, or has more than 256
 */
export function decodeEntryBundle(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + LENGTH_BYTES;
    const end = start > bytes.length ? start : start + view.getUint16(at);
    if (end > bytes.length) throw malformed(`It ends within entry ${entries.length}.`);
    if (entries.length === TILE_WIDTH) throw malformed(`It has more than ${TILE_WIDTH} entries.`);
    entries.push(bytes.subarray(start, end));
    at = end;
  }
  return entries;
}

function malformed(why: string): RaypherError {
  return new RaypherError('ledger/malformed', `A bundle of entries cannot be read. ${why}`);
}
