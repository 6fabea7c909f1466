import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import { p256PointOf } from '../primitives/p256-spki.ts';
import type { Primitives } from '../primitives/primitives.ts';

/** RFC 8410: what comes before the 32 bytes of an Ed25519 key in its SPKI. */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519_BYTES = 32;
/** Keys that are kept parsed: parsing one costs as much as checking a signature. */
const KEPT_KEYS = 1_024;

const keys = new Map<string, KeyObject>();

function keyOf(spki: Uint8Array): KeyObject {
  const id = Buffer.from(spki).toString('base64');
  const known = keys.get(id);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  if (keys.size >= KEPT_KEYS) keys.clear();
  keys.set(id, key);
  return key;
}

/** The same answers as `portablePrimitives`, by OpenSSL: what is faster, and by how much, `npm run bench -- ledger` shows. */
export const nodePrimitives: Primitives = {
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  verifyEd25519(publicKey, message, signature) {
    if (publicKey.length !== ED25519_BYTES) return false;
    return holds(() => verify(null, message, keyOf(Buffer.concat([ED25519_PREFIX, publicKey])), signature));
  },
  verifyP256(spki, message, signature) {
    if (p256PointOf(spki) === undefined) return false;
    return holds(() => verify('sha256', message, keyOf(spki), signature));
  },
};

function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
