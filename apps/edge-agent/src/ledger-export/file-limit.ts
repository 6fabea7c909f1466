import { RaypherError } from '@raypher/shared';

/** No file that is read whole is longer than a bundle of 256 entries of 65,535 bytes with their lengths. */
export const MAX_FILE_BYTES = 256 * 65_537;

/** What a file of an export is not: found by the verifier, and reported as a fault of the export. */
export function unreadableFile(path: string, why: string, cause?: unknown): RaypherError {
  return new RaypherError('ledger/malformed', `${path} ${why}`, { cause });
}
