import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { RaypherError } from '@raypher/shared';

/** What a sealed key is for; a sealed key opens only for the very same owner, purpose and id. */
export interface SealContext {
  /** Organisation id, or `installation`. */
  owner: string;
  purpose: string;
  keyId: string;
}

const VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts a private key under the master key (AES-256-GCM, NIST SP 800-38D).
 *
 * @returns version byte, 96-bit random nonce, ciphertext, 128-bit tag.
 */
export function seal(masterKey: Buffer, plain: Uint8Array, context: SealContext): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', masterKey, iv);
  cipher.setAAD(associatedData(context));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), iv, ciphertext, cipher.getAuthTag()]);
}

/** @throws RaypherError `store/corrupt` when the master key is another one, or a byte or the context changed. */
export function unseal(masterKey: Buffer, sealed: Uint8Array, context: SealContext): Buffer {
  const bytes = Buffer.from(sealed);
  try {
    if (bytes[0] !== VERSION) throw new Error(`version ${bytes[0]}`);
    const decipher = createDecipheriv('aes-256-gcm', masterKey, bytes.subarray(1, 1 + IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(associatedData(context));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(1 + IV_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new RaypherError(
      'store/corrupt',
      `The ${context.purpose} key of ${context.owner} cannot be opened.`,
      {
        hint: 'The master key file must be the one this installation was made with.',
        cause,
      },
    );
  }
}

/** JSON keeps the three parts apart whatever they contain. */
function associatedData({ owner, purpose, keyId }: SealContext): Buffer {
  return Buffer.from(JSON.stringify(['raypher.v1.key', owner, purpose, keyId]));
}
