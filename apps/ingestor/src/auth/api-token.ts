import { createHash, randomBytes } from 'node:crypto';

const PREFIX = 'rpk_';

/** A new API token; only its hash is stored. */
export function mintApiToken(): { token: string; hash: Buffer<ArrayBuffer> } {
  const token = `${PREFIX}${randomBytes(32).toString('base64url')}`;
  return { token, hash: hashApiToken(token) };
}

/**
 * SHA-256 of the whole token. It has 256 random bits, so a fast hash is enough; and because the look-up is
 * by hash, no comparison of secrets takes place whose duration could tell anything.
 */
export function hashApiToken(token: string): Buffer<ArrayBuffer> {
  return Buffer.from(createHash('sha256').update(token, 'utf8').digest());
}

/** The token of an `Authorization: Bearer rpk_…` header; undefined for anything else. */
export function bearerToken(authorization: string | undefined): string | undefined {
  const match = /^Bearer (rpk_[A-Za-z0-9_-]{43})$/.exec(authorization ?? '');
  return match?.[1];
}
