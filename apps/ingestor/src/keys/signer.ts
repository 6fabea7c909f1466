import { type KeyObject, sign } from 'node:crypto';

/**
 * A key that signs and is not given away. Here it is one of the sealed keys of the database, opened with the master key;
 * docs/operations.md says what a hardware module or a key service behind this interface has to do.
 */
export interface Signer {
  readonly algorithm: 'ed25519';
  /** Raw, 32 bytes (RFC 8032). */
  readonly publicKey: Buffer;
  /** @returns 64 bytes */
  sign(bytes: Uint8Array): Promise<Buffer>;
}

/** @param publicKey raw, of the same key. */
export function sealedKeySigner(publicKey: Buffer, privateKey: KeyObject): Signer {
  return {
    algorithm: 'ed25519',
    publicKey,
    sign: async (bytes) => sign(null, bytes, privateKey),
  };
}
