import canonicalize from 'canonicalize';
import { z } from 'zod';
import { bytesOf, fromBase64url, point, suite, toBase64url } from './hpke.ts';

const text = new TextEncoder();
/** Keeps what is sealed here apart from every other use of the same key. */
const INFO = text.encode('raypher/vault/v1');

export const ROOT_BYTES = 32;
/** Longest value that can be sealed: more than any API key or service account file. */
export const MAX_VALUE_BYTES = 8 * 1024;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** What a value is sealed for. It cannot be opened under another name, for another provider or for another use. */
export interface SecretBinding {
  name: string;
  provider: string;
  /** What it may be used for, as JSON; where it is a provider's key the provider says it all. */
  use?: object | undefined;
}

/** One sealed value; JSON, the same whether a browser or the device made it. */
export const SealedSecret = z.strictObject({
  v: z.literal(1),
  /** Of the vault key it was sealed to, see {@link vaultKeyId}. */
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  /** The sender's ephemeral public key, base64url. */
  enc: z.string().regex(BASE64URL).length(87),
  /** Value and authentication tag, base64url. */
  ciphertext: z.string().regex(BASE64URL).min(22).max(11_000),
});
export type SealedSecret = z.infer<typeof SealedSecret>;

/** The key pair that a vault's root stands for. The private half stays inside WebCrypto. */
export interface VaultKey {
  keyId: string;
  /** Uncompressed point, 65 bytes: what everybody may know. */
  publicKey: Uint8Array;
  keyPair: CryptoKeyPair;
}

/** Derives a vault's key pair: the same root gives the same pair (RFC 9180 §7.1.3). @param root 32 random bytes */
export async function deriveVaultKey(root: Uint8Array): Promise<VaultKey> {
  if (root.length !== ROOT_BYTES) throw new RangeError(`A vault's root has ${ROOT_BYTES} bytes.`);
  const keyPair = await suite.kem.deriveKeyPair(bytesOf(root));
  const publicKey = new Uint8Array(await suite.kem.serializePublicKey(keyPair.publicKey));
  return { keyId: await vaultKeyId(publicKey), publicKey, keyPair };
}

/** First 16 hex digits of SHA-256 over the point. */
export async function vaultKeyId(publicKey: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(publicKey)));
  return Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Encrypts a value so that only the holder of the vault's root opens it, and only for this name, provider and use.
 *
 * @param publicKey uncompressed P-256 point
 * @param value at most {@link MAX_VALUE_BYTES}; the caller zeroes it
 * @throws RangeError for a value of no bytes or too many
 */
export async function sealSecret(
  publicKey: Uint8Array,
  binding: SecretBinding,
  value: Uint8Array,
): Promise<SealedSecret> {
  if (value.length === 0 || value.length > MAX_VALUE_BYTES) {
    throw new RangeError(`A sealed value has 1 to ${MAX_VALUE_BYTES} bytes.`);
  }
  const keyId = await vaultKeyId(publicKey);
  const recipientPublicKey = await suite.kem.deserializePublicKey(bytesOf(point(publicKey)));
  const plain = bytesOf(value);
  const sealed = await suite
    .seal({ recipientPublicKey, info: INFO }, plain, bytesOf(associatedData(keyId, binding)))
    .finally(() => new Uint8Array(plain).fill(0));
  return {
    v: 1,
    keyId,
    enc: toBase64url(new Uint8Array(sealed.enc)),
    ciphertext: toBase64url(new Uint8Array(sealed.ct)),
  };
}

/**
 * Opens a sealed value. Zero it after use.
 *
 * @throws Error when it was sealed to another key, for another name, provider or use, or was changed
 */
export async function openSecret(
  key: VaultKey,
  binding: SecretBinding,
  sealed: SealedSecret,
): Promise<Uint8Array> {
  if (sealed.keyId !== key.keyId) throw new Error('The value is sealed to another vault key.');
  const opened = await suite.open(
    // The whole pair: of the private half alone, the public one would be derived each time.
    { recipientKey: key.keyPair, enc: bytesOf(fromBase64url(sealed.enc)), info: INFO },
    bytesOf(fromBase64url(sealed.ciphertext)),
    bytesOf(associatedData(key.keyId, binding)),
  );
  return new Uint8Array(opened);
}

/** RFC 8785, so that no name can be read as another name with another provider. */
function associatedData(keyId: string, { name, provider, use }: SecretBinding): Uint8Array {
  const bound = { keyId, kind: 'secret', name, provider, v: 1 };
  return text.encode(canonicalize(use === undefined ? bound : { ...bound, use }));
}
