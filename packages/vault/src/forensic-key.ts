import { z } from 'zod';
import { fromBase64url, toBase64url } from './hpke.ts';
import { deriveVaultKey, ROOT_BYTES, type VaultKey, vaultKeyId } from './sealed-secret.ts';

/** The file that opens snapshots: whoever has it reads what was seized. */
export const ForensicKeyFile = z.strictObject({
  kind: z.literal('raypher-forensic-key'),
  v: z.literal(1),
  /** First 16 hex digits of SHA-256 over the point. */
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  /** Uncompressed point of P-256, base64url. */
  publicKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .length(87),
  /** Whose it is: an organisation's, or that of one machine which has no organisation's. */
  holder: z.enum(['organisation', 'machine']),
  createdAt: z.iso.datetime(),
  /** 32 random bytes that the key pair is derived from (RFC 9180 §7.1.3), base64url. */
  secret: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .length(43),
});
export type ForensicKeyFile = z.infer<typeof ForensicKeyFile>;

/** What snapshots are sealed to. */
export type ForensicPublicKey = Pick<ForensicKeyFile, 'keyId' | 'publicKey'>;

/** Makes a new key pair, in a browser or on the command line. */
export async function createForensicKey(
  holder: ForensicKeyFile['holder'],
  now = new Date(),
): Promise<ForensicKeyFile> {
  const root = crypto.getRandomValues(new Uint8Array(ROOT_BYTES));
  const { keyId, publicKey } = await deriveVaultKey(root);
  const secret = toBase64url(root);
  root.fill(0);
  return {
    kind: 'raypher-forensic-key',
    v: 1,
    keyId,
    publicKey: toBase64url(publicKey),
    holder,
    createdAt: now.toISOString(),
    secret,
  };
}

/** @throws Error when the two halves of the file do not belong together */
export async function readForensicKey(file: ForensicKeyFile): Promise<VaultKey> {
  const key = await deriveVaultKey(fromBase64url(file.secret));
  if (key.keyId !== file.keyId || toBase64url(key.publicKey) !== file.publicKey) {
    throw new Error('The secret of the key file does not belong to its public key.');
  }
  return key;
}

/** @throws Error for a point that is not on the curve, or has another id */
export async function checkForensicPublicKey({ keyId, publicKey }: ForensicPublicKey): Promise<void> {
  const raw = fromBase64url(publicKey);
  await crypto.subtle.importKey('raw', raw.slice().buffer, { name: 'ECDH', namedCurve: 'P-256' }, false, []);
  if ((await vaultKeyId(raw)) !== keyId) throw new Error('The key has another id.');
}
