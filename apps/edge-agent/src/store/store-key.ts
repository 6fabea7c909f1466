import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { type ErrorCode, RaypherError } from '@raypher/shared';
import { z } from 'zod';
import type { Sealer } from '../identity/key-provider.ts';
import { writePrivateFile } from '../identity/private-file.ts';
import { EntryCipher } from './entry-cipher.ts';

const KEY_BYTES = 32;

const KeyFile = z.strictObject({
  v: z.literal(1),
  /** What the sealer gave, base64. */
  sealed: z.base64().max(16_384),
});

/** A key that will never open again: it was sealed by another machine or identity. A TPM that is busy is not among them. */
const LOST: readonly ErrorCode[] = ['vault/sealed-elsewhere', 'vault/damaged', 'tpm/policy', 'tpm/cleared'];

/**
 * Opens the key of the store, sealed as the vault's root is: in the TPM where the identity is, else in a file. One that
 * cannot be opened any more is set aside, and another takes its place; what it encrypted is then not readable.
 *
 * @throws RaypherError `tpm/…` when the TPM does not answer
 */
export function openStoreKey(path: string, sealer: Sealer): EntryCipher {
  if (!existsSync(path)) return newStoreKey(path, sealer);
  try {
    const { sealed } = KeyFile.parse(JSON.parse(readFileSync(path, 'utf8')));
    const key = sealer.unseal(Buffer.from(sealed, 'base64'));
    if (key.length === KEY_BYTES) return new EntryCipher(key);
  } catch (error) {
    const isLost = error instanceof RaypherError ? LOST.includes(error.code) : isUnreadable(error);
    if (!isLost) throw error;
  }
  return newStoreKey(path, sealer);
}

/** A new key in the place of the one that is there, which is set aside. */
export function newStoreKey(path: string, sealer: Sealer, now = new Date()): EntryCipher {
  if (existsSync(path)) renameSync(path, `${path}.set-aside-${now.toISOString().replaceAll(/[:.]/g, '-')}`);
  const key = randomBytes(KEY_BYTES);
  const file: z.infer<typeof KeyFile> = { v: 1, sealed: sealer.seal(key, []).toString('base64') };
  writePrivateFile(path, JSON.stringify(file));
  return new EntryCipher(key);
}

/** Whom the encryption of what is on this disk keeps out. */
export function storeKeyLine(bound: Sealer['bound']): string {
  return bound === 'tpm'
    ? 'their key is sealed to the TPM of this machine'
    : 'their key is in a file of this disk, which whoever copies the data folder has too';
}

function isUnreadable(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof z.ZodError;
}
