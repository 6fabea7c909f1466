/** SHA-256 of bytes, 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/**
 * The arithmetic that a platform may do faster than JavaScript. Signatures are checked without ever throwing: what
 * cannot be read is not valid.
 */
export interface Primitives {
  readonly sha256: Sha256;
  /** RFC 8032; `publicKey` 32 bytes, `signature` 64. */
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** ECDSA with SHA-256; `spki` is the DER of a P-256 key (RFC 5480), `signature` DER (RFC 3279 §2.2.3). */
  verifyP256(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}
