import { canonicalBytes, sha256Hex } from './canonical.ts';

/** What is kept beside an entry, and the hash that the entry holds of it. */
export interface PrivatePart {
  /** RFC 8785 bytes of the data with its salt. */
  content: Uint8Array;
  /** SHA-256 of exactly these bytes, lower-case hex. */
  commitment: string;
}

/**
 * Commits to data that may have to be erased while the entry stays.
 *
 * @param salt 32 random bytes, base64url: without it the hash of a short text could be found by trying. It goes
 *   with the data when that is erased; a key of this name in the data is replaced.
 * @throws TypeError when the data has no JSON form
 */
export function commitPrivate(data: Readonly<Record<string, unknown>>, salt: string): PrivatePart {
  const content = canonicalBytes({ ...data, salt });
  return { content, commitment: sha256Hex(content) };
}

/** Whether these are the bytes that an entry committed to. */
export function opensCommitment(commitment: string, content: Uint8Array): boolean {
  return sha256Hex(content) === commitment;
}
