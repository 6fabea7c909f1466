import { RaypherError } from '@raypher/shared';
import type { Credential } from '@raypher/shared/attestation';
import type { Tpm, TpmHandle } from '../../native/tss2.ts';
import { openCredential } from '../../native/tss2-attestation.ts';
import { readPublic } from '../../native/tss2-objects.ts';
import { isFailure } from '../../native/tss2-response.ts';
import { policySecret, startSession } from '../../native/tss2-sessions.ts';

/**
 * Answers the control plane's challenge: opens a secret that only the TPM with this endorsement key opens, and only for
 * this attestation key.
 *
 * @throws RaypherError `tpm/cleared` when it was made for another TPM or another attestation key, `tpm/unavailable`
 *   when the TPM is in failure mode
 */
export function activateCredential(
  tpm: Tpm,
  keys: { endorsement: TpmHandle; attestation: TpmHandle },
  credential: Credential,
): Buffer {
  using policy = startSession(tpm, 'policy', keys.endorsement, 'both');
  policySecret(tpm, policy, 'endorsement');
  try {
    return openCredential(tpm, { ...keys, policy }, credential.blob, credential.encryptedSeed);
  } catch (error) {
    throw isFailure(error) ? notOpened(error, isWorking(tpm, keys.endorsement)) : error;
  }
}

/** What TPM_RC_FAILURE means here: with an RSA endorsement key, some TPMs answer so to what is for another key. */
function notOpened(cause: unknown, isTpmWorking: boolean): RaypherError {
  if (isTpmWorking) {
    return new RaypherError(
      'tpm/cleared',
      'The TPM did not open a credential: it was made for another TPM, or this one has been cleared since.',
      { hint: 'Enrol this device again.', cause },
    );
  }
  return new RaypherError(
    'tpm/unavailable',
    'The TPM did not open a credential: it was made for another TPM, or the TPM is in failure mode.',
    {
      hint: 'Power this machine off and on and try again; when that does not help, enrol this device again.',
      cause,
    },
  );
}

/** In failure mode a TPM refuses this as well (TPM 2.0 Part 1, "Failure Mode"). */
function isWorking(tpm: Tpm, key: TpmHandle): boolean {
  try {
    readPublic(tpm, key);
    return true;
  } catch {
    return false;
  }
}
