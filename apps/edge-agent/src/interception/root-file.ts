import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { isDenied, isMissing } from '../file-fault.ts';
import { RootFile } from './authority-store.ts';
import { fingerprintOf } from './certificate-authority.ts';

/**
 * The certificate alone, which takes no key.
 *
 * @returns PEM; undefined where there is none
 * @throws RaypherError `process/permission`, `vault/damaged`
 */
export function readRoot(path: string): string | undefined {
  try {
    return RootFile.parse(JSON.parse(readFileSync(path, 'utf8'))).certificate;
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    if (isDenied(cause)) {
      throw new RaypherError('process/permission', `${path} can only be read by its owner.`, {
        hint: 'Run this with sudo.',
        cause,
      });
    }
    throw new RaypherError('vault/damaged', `${path} does not hold the root of this machine.`, {
      hint: 'Start the service again: it sets the file aside and makes a new root.',
      cause,
    });
  }
}

/** For people and JSON. @param certificate PEM */
export function describeRoot(certificate: string) {
  const { subject, validFromDate, validToDate } = new X509Certificate(certificate);
  return {
    subject: subject.split('\n').toReversed().join(', '),
    fingerprint: fingerprintOf(certificate),
    validFrom: validFromDate.toISOString(),
    validTo: validToDate.toISOString(),
    key: 'ECDSA P-256, sealed in the vault of this machine',
    certificate,
  };
}
