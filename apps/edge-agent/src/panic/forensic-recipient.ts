import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ForensicRecipient } from '@raypher/shared';
import { checkForensicPublicKey, createForensicKey, ForensicKeyFile } from '@raypher/vault';
import { writePrivateFile } from '../identity/private-file.ts';
import type { SealedFile } from './panic-intent.ts';

/** Name of the key that a machine makes for itself, in the folder of its panics. */
export const MACHINE_KEY = 'machine.key';

/**
 * Whom a snapshot is sealed to: the organisation, when it has said so in a policy this device verified; else this
 * machine, whose administrator finds the key beside the snapshots.
 *
 * @param folder of the panics
 */
export async function forensicRecipient(
  organisation: ForensicRecipient | undefined,
  folder: string,
): Promise<Pick<SealedFile, 'keyId' | 'recipient'> & ForensicRecipient> {
  if (organisation !== undefined && (await isKey(organisation))) {
    return { ...organisation, recipient: 'organisation' };
  }
  const { keyId, publicKey } = await machineKey(join(folder, MACHINE_KEY));
  return { keyId, publicKey, recipient: 'machine' };
}

async function isKey(key: ForensicRecipient): Promise<boolean> {
  try {
    await checkForensicPublicKey(key);
    return true;
  } catch {
    // Signed, and still no key: nobody could open what is sealed to it.
    return false;
  }
}

async function machineKey(path: string): Promise<ForensicKeyFile> {
  if (existsSync(path)) {
    const parsed = ForensicKeyFile.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (parsed.success) return parsed.data;
  }
  const key = await createForensicKey('machine');
  writePrivateFile(path, `${JSON.stringify(key, null, 2)}\n`);
  return key;
}
