import { decodeEntryBundle, leafHash, TILE_WIDTH } from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { RaypherError } from '@raypher/shared';

const HASH_BYTES = 32;

/**
 * The entries of a bundle of the archive, held to the log.
 *
 * @param bytes undefined when it is not there
 * @param leaves leaf hashes, concatenated
 * @throws RaypherError `archive/corrupted` naming the first entry that is missing or different
 */
export function requireBundle(
  bytes: Uint8Array | undefined,
  leaves: Uint8Array,
  { index, width }: { index: number; width: number },
  path: string,
): Uint8Array[] {
  const start = index * TILE_WIDTH;
  if (bytes === undefined)
    throw corrupted(`Entries from ${start} on are missing in the archive: ${path}.`, start);
  let entries: Uint8Array[];
  try {
    entries = decodeEntryBundle(bytes);
  } catch {
    throw corrupted(`Entries from ${start} on cannot be read in the archive: ${path}.`, start);
  }
  for (let at = 0; at < width; at += 1) {
    const entry = entries[at];
    const leaf = leaves.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
    if (entry === undefined || Buffer.compare(leafHash(entry, nodePrimitives.sha256), leaf) !== 0) {
      throw corrupted(`Entry ${start + at} of the archive is missing or was changed.`, start + at);
    }
  }
  return entries;
}

/** What the archive has is not what was recorded. */
export function corrupted(
  message: string,
  index: number | undefined,
  more: Record<string, unknown> = {},
): RaypherError {
  return new RaypherError('archive/corrupted', message, {
    hint: 'A versioned bucket still has the first version of each object; docs/retention.md says how to get it back.',
    details: { where: 'archive', ...(index === undefined ? {} : { index }), ...more },
  });
}
