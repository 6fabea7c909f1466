import { existsSync, rmSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import type { Config } from '../config/config.ts';
import type { KeyProvider } from './key-provider.ts';
import { SoftwareKeyProvider } from './software-key-provider.ts';
import { locateTpm } from './tpm/locate-tpm.ts';

/** Where a device's key is, or what it is derived from. */
export interface KeyFiles {
  /** Key of a software identity. */
  key: string;
  /** What an identity in the TPM is derived from. */
  tpmKey: string;
  enrolment: string;
}

export type KeyChoice = Pick<Config, 'identityKey' | 'tpmTcti'>;

/**
 * Opens this device's key. What is on disk decides which kind it is; a machine without one, and without an enrolment,
 * gets a new one as the configuration says.
 *
 * @throws RaypherError `store/corrupt` for an enrolment without its key, `device/other-machine` or `tpm/cleared` when
 * the TPM is another one, `tpm/…`, `platform/unsupported`
 */
export async function openKeys(files: KeyFiles, config: KeyChoice): Promise<KeyProvider> {
  if (existsSync(files.tpmKey)) return (await tpmKeys()).open(files.tpmKey, tctiOf(config));
  if (existsSync(files.key)) return SoftwareKeyProvider.open(files.key);
  if (existsSync(files.enrolment)) {
    // A fresh key would not fit the certificate, and would hide that somebody took the old one away.
    throw new RaypherError('store/corrupt', 'This machine is enrolled, but its key is gone.', {
      hint: 'Restore the identity folder, or enrol again with `raypher enroll --replace` and a fresh token.',
      details: { looked: [files.tpmKey, files.key] },
    });
  }
  return createKeys(files, config);
}

/**
 * What a new key will be kept in. A TPM that is there but cannot be used is an error: to go on with a file would be a
 * downgrade that nobody asked for.
 *
 * @throws RaypherError `tpm/…`
 */
export function keyKind(config: KeyChoice): KeyProvider['identityClass'] {
  if (config.identityKey === 'software') return 'software';
  if (locate(config) !== undefined) return 'tpm';
  if (config.identityKey === 'auto') return 'software';
  throw new RaypherError('tpm/absent', 'This machine has no TPM 2.0.', {
    hint: 'Switch it on in the firmware setup (Intel PTT, AMD fTPM), or choose `--identity software`.',
  });
}

/**
 * Makes a new key; there must be none in these files yet.
 *
 * @throws RaypherError `tpm/…`, `platform/unsupported`
 */
export async function createKeys(files: KeyFiles, config: KeyChoice): Promise<KeyProvider> {
  if (keyKind(config) === 'software') return SoftwareKeyProvider.open(files.key);
  const provider = await tpmKeys();
  try {
    return await provider.create(files.tpmKey, tctiOf(config));
  } catch (error) {
    throw withWayOut(error);
  }
}

/** Forgets a device's key, whatever kind it is of. */
export function removeKeys(files: Pick<KeyFiles, 'key' | 'tpmKey'>): void {
  for (const file of [files.key, files.tpmKey]) rmSync(file, { force: true });
}

/** Loaded when there is a TPM: it brings the foreign function interface. */
async function tpmKeys() {
  const { TpmKeyProvider } = await import('./tpm/tpm-key-provider.ts');
  return TpmKeyProvider;
}

function tctiOf(config: KeyChoice): string {
  const location = locateTpm(config.tpmTcti);
  if (location.tcti !== undefined) return location.tcti;
  throw new RaypherError(
    'device/other-machine',
    'This data folder belongs to a TPM, and this machine has none.',
    {
      hint: 'Enrol this machine with `raypher enroll --replace`, or switch its TPM on in the firmware setup.',
      details: { looked: location.looked },
    },
  );
}

function locate(config: KeyChoice): string | undefined {
  try {
    return locateTpm(config.tpmTcti).tcti;
  } catch (error) {
    throw withWayOut(error);
  }
}

/** Says, with every error of the TPM, what can be chosen instead. */
function withWayOut(error: unknown): unknown {
  if (!(error instanceof RaypherError)) return error;
  const way = 'Or choose a key in a file, which can be copied: `--identity software`.';
  return new RaypherError(error.code, error.message, {
    hint: error.hint === undefined ? way : `${error.hint} ${way}`,
    ...(error.details === undefined ? {} : { details: error.details }),
    cause: error,
  });
}
