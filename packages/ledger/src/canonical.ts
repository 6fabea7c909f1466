import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';

/**
 * The canonical bytes of a JSON value (RFC 8785).
 *
 * @throws TypeError when the value has no JSON form (undefined, a function, NaN, Infinity, a lone surrogate).
 * @example canonicalBytes({ b: 1, a: 2 }) // bytes of {"a":2,"b":1}
 */
export function canonicalBytes(value: unknown): Uint8Array {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('value has no JSON form');
  return utf8ToBytes(text);
}

/** SHA-256 of bytes, lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}
