import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ErrorCode, RaypherError } from '@raypher/shared';
import type { KeyProvider } from './key-provider.ts';
import { createKeys, type KeyChoice, type KeyFiles, keyKind, openKeys, removeKeys } from './open-keys.ts';

/** What is wrong with a key that was left by an attempt on another machine, or damaged. */
const USELESS: readonly ErrorCode[] = [
  'device/other-machine',
  'tpm/cleared',
  'store/corrupt',
  'config/invalid',
];

/**
 * The key for an enrolment that is under way. It waits beside the one in use until the control plane has taken it, so
 * that a failed enrolment leaves everything as it was; and the next attempt goes on with it, because a control plane
 * that took it, but whose answer was lost, would hold a second key of the same TPM for a copy.
 *
 * @throws RaypherError as {@link createKeys}
 */
export async function openNextKeys(files: KeyFiles, config: KeyChoice): Promise<KeyProvider> {
  const next = nextFiles(files);
  const wanted = keyKind(config);
  if (existsSync(wanted === 'tpm' ? next.tpmKey : next.key)) {
    try {
      return await openKeys(next, config);
    } catch (error) {
      if (!(error instanceof RaypherError) || !USELESS.includes(error.code)) throw error;
    }
  }
  removeKeys(next);
  return createKeys(next, config);
}

/** Puts that key in the place of the one in use. */
export function takeNextKeys(files: KeyFiles): void {
  const next = nextFiles(files);
  const [taken, other] = existsSync(next.tpmKey)
    ? (['tpmKey', 'key'] as const)
    : (['key', 'tpmKey'] as const);
  renameSync(next[taken], files[taken]);
  rmSync(files[other], { force: true });
  rmSync(dirname(next.key), { recursive: true, force: true });
}

/** Gives up a key that was not taken. */
export function dropNextKeys(files: KeyFiles): void {
  rmSync(dirname(nextFiles(files).key), { recursive: true, force: true });
}

function nextFiles(files: KeyFiles): KeyFiles {
  const folder = join(dirname(files.key), 'next');
  return {
    key: join(folder, 'device.key'),
    tpmKey: join(folder, 'tpm.json'),
    enrolment: join(folder, 'enrolment.json'),
  };
}
