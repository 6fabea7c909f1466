import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { RaypherError } from '@raypher/shared';

/** First byte of what is encrypted. Entries in clear, as stores had them before, begin with `{`. */
const SEALED = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** What is encrypted: an entry, or the part that it commits to. Neither passes for the other. */
export type SealedKind = 'entry' | 'private';

/**
 * Encrypts what the ledger's rows hold, each with a random nonce (AES-256-GCM, NIST SP 800-38D §8.2.2) and tied to the
 * hash in its row, so that rows cannot change places. Numbers and hashes stay in clear: they are needed to send and say
 * nothing.
 */
export class EntryCipher {
  readonly #key: Buffer;

  /** @param key 32 bytes */
  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES) throw new RangeError(`A key has ${KEY_BYTES} bytes.`);
    this.#key = key;
  }

  /** @param hash of the entry, hex */
  seal(kind: SealedKind, hash: string, bytes: Uint8Array): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(`${kind}|${hash}`));
    return Buffer.concat([
      Buffer.of(SEALED),
      nonce,
      cipher.update(bytes),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
  }

  /**
   * What was sealed; what is in clear comes back as it is.
   *
   * @throws RaypherError `store/corrupt` when it was sealed with another key or for another row, or was changed
   */
  open(kind: SealedKind, hash: string, stored: Uint8Array): Uint8Array {
    if (!isSealed(stored)) return stored;
    const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(1, 1 + NONCE_BYTES));
      decipher.setAAD(Buffer.from(`${kind}|${hash}`));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new RaypherError('store/corrupt', 'An entry of the ledger cannot be decrypted.', {
        hint: 'The key of the store was replaced, or the store was changed.',
        cause,
      });
    }
  }
}

export function isSealed(stored: Uint8Array): boolean {
  return stored[0] === SEALED;
}
