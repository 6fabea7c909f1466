import { createHash, randomBytes } from 'node:crypto';

/** What a person carries to a device: `rpt1.<id>.<secret>.<pin>`. */
export interface TokenParts {
  /** uuid */
  id: string;
  /** base64url of 32 random bytes; the server keeps only its SHA-256. */
  secret: string;
  /** base64url of SHA-256 of the root's SubjectPublicKeyInfo. */
  pin: string;
}

const FORM = /^rpt1\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;

export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 of the secret as it is written in the token. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

export function formatToken({ id, secret, pin }: TokenParts): string {
  return `rpt1.${id.replaceAll('-', '')}.${secret}.${pin}`;
}

/** @returns undefined for anything that no installation ever handed out. */
export function parseToken(token: string): TokenParts | undefined {
  const [, hex, secret, pin] = FORM.exec(token.trim()) ?? [];
  if (hex === undefined || secret === undefined || pin === undefined) return undefined;
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { id, secret, pin };
}
