import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Finding, FindingRecord } from '../finding.ts';

/** Hash of a value under a key that only the organisation has, hex. */
export type KeyedHash = (value: string) => string;

/** @param key at least 16 bytes; shorter keys could be searched through */
export function hmacSha256(key: Uint8Array): KeyedHash {
  if (key.length < 16) throw new RangeError('The key of a keyed hash has at least 16 bytes.');
  return (value) => bytesToHex(hmac(sha256, key, new TextEncoder().encode(value)));
}

/** What may be kept of a finding: a masked sample and a keyed hash, never the data. */
export function recordFinding(text: string, finding: Finding, keyedHash: KeyedHash): FindingRecord {
  const { start, end, ...kept } = finding;
  const value = text.slice(start, end);
  return { ...kept, sample: maskedSample(value), hash: keyedHash(value) };
}

/** Up to four characters at both ends, together never more than a third; the middle has one length for all. */
export function maskedSample(value: string): string {
  const characters = [...value];
  const shown = Math.min(4, Math.floor(characters.length / 6));
  const tail = shown === 0 ? '' : characters.slice(-shown).join('');
  return `${characters.slice(0, shown).join('')}…${tail}`;
}
