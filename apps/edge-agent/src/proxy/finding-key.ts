import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { writePrivateFile } from '../identity/private-file.ts';

/**
 * The key of the hashes under which found data is recorded: without it nobody can try out which card number or
 * name a hash stands for. It is made at the first use, never leaves this machine, and is no part of the ledger:
 * without the file, old hashes can no longer be joined to anything.
 *
 * @param path of the file, which only its owner may read
 * @throws RaypherError `config/invalid` when the file holds something else
 */
export function openFindingKey(path: string): Uint8Array {
  const stored = readStored(path);
  if (stored !== undefined) {
    if (/^[0-9a-f]{64}$/.test(stored)) return Buffer.from(stored, 'hex');
    throw new RaypherError('config/invalid', `${path} does not hold a key.`, {
      hint: 'Remove the file to have a new key made; hashes of findings before and after will not match.',
    });
  }
  const key = randomBytes(32);
  writePrivateFile(path, `${key.toString('hex')}\n`);
  return key;
}

function readStored(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
