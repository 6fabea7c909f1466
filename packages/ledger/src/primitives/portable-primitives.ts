import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { p256PointOf } from './p256-spki.ts';
import type { Primitives } from './primitives.ts';

/** In JavaScript alone: the same everywhere, browsers included. */
export const portablePrimitives: Primitives = {
  sha256,
  verifyEd25519(publicKey, message, signature) {
    // The library throws on what has the wrong length or is no point.
    return holds(() => ed25519.verify(signature, message, publicKey, { zip215: false }));
  },
  verifyP256(spki, message, signature) {
    const point = p256PointOf(spki);
    if (point === undefined) return false;
    // TPMs and OpenSSL give either of the two values of s (FIPS 186-5 knows no rule about it).
    return holds(() => p256.verify(signature, message, point, { format: 'der', lowS: false }));
  },
};

function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
