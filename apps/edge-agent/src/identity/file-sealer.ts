import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import type { Sealer } from './key-provider.ts';
import { writePrivateFile } from './private-file.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals under a key in a file that only the owner may read: it keeps a backup of the store alone from being enough. */
export class FileSealer implements Sealer {
  readonly bound = 'file';
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  seal(secret: Buffer): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key(), nonce);
    return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  }

  unseal(blob: Buffer): Buffer {
    if (blob.length < NONCE_BYTES + TAG_BYTES) throw elsewhere();
    const decipher = createDecipheriv('aes-256-gcm', this.#key(), blob.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(blob.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(blob.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw elsewhere(cause);
    }
  }

  #key(): Buffer {
    if (!existsSync(this.#path)) writePrivateFile(this.#path, randomBytes(KEY_BYTES).toString('base64'));
    const key = Buffer.from(readFileSync(this.#path, 'utf8'), 'base64');
    if (key.length === KEY_BYTES) return key;
    throw new RaypherError('vault/damaged', `${this.#path} does not hold a key.`, {
      hint: 'Restore it from a backup, or reset the vault with `raypher vault reset` and seal again.',
    });
  }
}

function elsewhere(cause?: unknown): RaypherError {
  return new RaypherError(
    'vault/sealed-elsewhere',
    'This vault was sealed with another key than the one here.',
    {
      hint: 'Restore the identity folder that belongs to it, or reset the vault with `raypher vault reset`.',
      cause,
    },
  );
}
