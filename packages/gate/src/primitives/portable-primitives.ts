import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Primitives } from './primitives.ts';

/** Runs in browsers as well. */
export const portablePrimitives: Primitives = {
  sha256Hex: (text) => bytesToHex(sha256(utf8ToBytes(text))),
  keyedHash: (secret) => {
    const key = Uint8Array.from(secret);
    return (text) => bytesToHex(hmac(sha256, key, utf8ToBytes(text)));
  },
  constantTimeEqual(left, right) {
    let difference = left.length ^ right.length;
    for (let at = 0; at < left.length; at += 1) {
      // Past the end of `right` this is NaN, which becomes 0; the lengths differ already.
      difference |= left.charCodeAt(at) ^ right.charCodeAt(at);
    }
    return difference === 0;
  },
  randomHex: (bytes) => bytesToHex(crypto.getRandomValues(new Uint8Array(bytes))),
};
