import { RaypherError } from '@raypher/shared';
import type { Tpm, TpmHandle } from '../../native/tss2.ts';
import { ATTESTATION_UNIQUE_BYTES, attestationTemplate } from './public-area.ts';

/**
 * Derives a device's attestation key. The TPM keeps none of it: the same bytes give the same key on the same TPM, after
 * a power cycle too, and another key on every other TPM. So the bytes are no secret, and a copy of them opens nothing.
 *
 * @param unique 32 random bytes, chosen once for each enrolment
 */
export function openAttestationKey(tpm: Tpm, unique: Buffer): TpmHandle {
  if (unique.length !== ATTESTATION_UNIQUE_BYTES) {
    throw new RaypherError(
      'store/corrupt',
      `An attestation key is made of ${ATTESTATION_UNIQUE_BYTES} bytes.`,
    );
  }
  return tpm.createPrimary('endorsement', attestationTemplate(unique));
}
