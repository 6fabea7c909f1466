import { X509Certificate } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import type { Enrolment } from './enrolment.ts';
import type { KeyProvider } from './key-provider.ts';

/**
 * Makes sure that an enrolment's certificate was issued for the key that is here: with another one, copied or put in
 * its place, no connection could be made, and nobody would know why.
 *
 * @throws RaypherError `device/other-machine`
 */
export function requireOwnCertificate(enrolment: Enrolment, keys: KeyProvider): void {
  const certified = new X509Certificate(enrolment.certificate).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  if (certified.equals(keys.publicKey)) return;
  throw new RaypherError(
    'device/other-machine',
    'The certificate in this data folder was issued for another key than the one this machine has.',
    {
      hint: 'A data folder works only on the machine that enrolled it: use `raypher enroll --replace` here.',
      details: { device: enrolment.device, keyId: keys.keyId, key: keys.identityClass },
    },
  );
}
