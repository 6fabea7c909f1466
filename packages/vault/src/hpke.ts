import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';

/** RFC 9180 §7: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; all of it in WebCrypto everywhere. */
export const suite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/** An uncompressed point of P-256. */
const POINT_BYTES = 65;

/** @throws RangeError for what is no uncompressed point of P-256 */
export function point(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length === POINT_BYTES && publicKey[0] === 4) return publicKey;
  throw new RangeError('A public key is an uncompressed point of P-256.');
}

/** Exactly these bytes in a buffer of their own: a view into a larger one would be taken whole. */
export function bytesOf(view: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(view.length);
  new Uint8Array(copy).set(view);
  return copy;
}

export function toBase64url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export function fromBase64url(encoded: string): Uint8Array {
  const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
