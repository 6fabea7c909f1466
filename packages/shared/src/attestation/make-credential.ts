import {
  constants,
  createCipheriv,
  createHash,
  createHmac,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { RaypherError } from '../errors.ts';
import { parsePublicKey } from './public-key.ts';
import { sized, uint32 } from './wire.ts';

/** What only one TPM can open, and only while it holds one certain key. Both parts are for `TPM2_ActivateCredential`. */
export interface Credential {
  /** TPM2B_ID_OBJECT. */
  blob: Buffer;
  /** TPM2B_ENCRYPTED_SECRET. */
  encryptedSeed: Buffer;
}

const SEED_BYTES = 32;
/** Longest secret that fits a TPM2B_DIGEST. */
const MAX_SECRET_BYTES = 32;
const LABEL = 'IDENTITY';
const EMPTY = Buffer.alloc(0);

/**
 * Encrypts a secret so that whoever answers with it has the endorsement key and, in the same TPM, the named key
 * (TPM2_MakeCredential, TPM 2.0 Part 1 §24). Needs no TPM: the control plane does this.
 *
 * @param endorsementKey TPMT_PUBLIC of a default template: SHA-256 and AES-128-CFB
 * @param name of the key that has to be in the same TPM, see `keyName`
 * @param secret at most 32 bytes
 */
export function makeCredential(endorsementKey: Buffer, name: Buffer, secret: Buffer): Credential {
  if (secret.length === 0 || secret.length > MAX_SECRET_BYTES) {
    throw new RaypherError('request/invalid', `A credential holds 1 to ${MAX_SECRET_BYTES} bytes.`);
  }
  const { seed, encryptedSeed } = wrapSeed(parsePublicKey(endorsementKey));
  // The all-zero vector is the standard's; the key is used once.
  const cipher = createCipheriv('aes-128-cfb', kdfa(seed, 'STORAGE', name, 128), Buffer.alloc(16));
  const encrypted = Buffer.concat([cipher.update(sized(secret)), cipher.final()]);
  const integrity = createHmac('sha256', kdfa(seed, 'INTEGRITY', EMPTY, 256))
    .update(encrypted)
    .update(name)
    .digest();
  return { blob: sized(Buffer.concat([sized(integrity), encrypted])), encryptedSeed };
}

function wrapSeed(key: KeyObject): { seed: Buffer; encryptedSeed: Buffer } {
  return key.asymmetricKeyType === 'rsa' ? wrapForRsa(key) : wrapForEcc(key);
}

/** Part 1 §B.10.4: OAEP, whose label ends in a zero byte. */
function wrapForRsa(key: KeyObject): { seed: Buffer; encryptedSeed: Buffer } {
  const seed = randomBytes(SEED_BYTES);
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: text(LABEL) };
  return { seed, encryptedSeed: sized(publicEncrypt({ key, ...oaep }, seed)) };
}

/** Part 1 §C.6.4: the seed is agreed on with a key made for the occasion, whose public point travels. */
function wrapForEcc(key: KeyObject): { seed: Buffer; encryptedSeed: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ours = point(publicKey);
  const shared = diffieHellman({ privateKey, publicKey: key });
  const seed = credentialSeed(shared, ours.x, point(key).x);
  return { seed, encryptedSeed: sized(Buffer.concat([sized(ours.x), sized(ours.y)])) };
}

/**
 * KDFe (Part 1 §11.4.10.3) as credentials use it; one round gives all 256 bits.
 *
 * @param shared x-coordinate of the agreed point
 * @param ephemeralX of the key made for the occasion
 * @param endorsementX of the endorsement key
 */
export function credentialSeed(shared: Buffer, ephemeralX: Buffer, endorsementX: Buffer): Buffer {
  return createHash('sha256')
    .update(Buffer.concat([uint32(1), shared, text(LABEL), ephemeralX, endorsementX]))
    .digest();
}

function point(key: KeyObject): { x: Buffer; y: Buffer } {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
}

/** KDFa (Part 1 §11.4.10.2), as far as one round goes. @param bits at most 256 */
export function kdfa(key: Buffer, label: string, context: Buffer, bits: number): Buffer {
  return createHmac('sha256', key)
    .update(Buffer.concat([uint32(1), text(label), context, uint32(bits)]))
    .digest()
    .subarray(0, bits / 8);
}

/** With the zero byte that the standard counts to a label. */
function text(label: string): Buffer {
  return Buffer.from(`${label}\0`);
}
