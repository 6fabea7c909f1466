import { RaypherError } from '@raypher/shared';
import type { Tpm, TpmHandle } from '../../native/tss2.ts';
import { createPrimary } from '../../native/tss2-objects.ts';
import { attestationTemplate, deviceKeyTemplate, UNIQUE_BYTES } from './public-area.ts';

/**
 * Derives a device's attestation key. The TPM keeps none of it: the same bytes give the same key on the same TPM, after
 * a power cycle too, and another key on every other TPM. So the bytes are no secret, and a copy of them opens nothing.
 *
 * @param unique 32 random bytes, chosen once for each enrolment
 */
export function openAttestationKey(tpm: Tpm, unique: Buffer): TpmHandle {
  return createPrimary(tpm, 'endorsement', attestationTemplate(checked(unique)));
}

/** Derives the key that the device proves itself with on the network, in the same way. */
export function openDeviceKey(tpm: Tpm, unique: Buffer): TpmHandle {
  return createPrimary(tpm, 'endorsement', deviceKeyTemplate(checked(unique)));
}

function checked(unique: Buffer): Buffer {
  if (unique.length === UNIQUE_BYTES) return unique;
  throw new RaypherError(
    'store/corrupt',
    `A key of the TPM is derived from ${UNIQUE_BYTES} bytes, not ${unique.length}.`,
  );
}
