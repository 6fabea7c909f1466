import type { Credential } from '@raypher/shared/attestation';
import type { Tpm, TpmHandle } from '../../native/tss2.ts';
import { openCredential } from '../../native/tss2-attestation.ts';
import { policySecret, startSession } from '../../native/tss2-sessions.ts';

/**
 * Answers the control plane's challenge: opens a secret that only the TPM with this endorsement key opens, and only for
 * this attestation key.
 *
 * @throws RaypherError `tpm/cleared` when it was made for another TPM or another attestation key
 */
export function activateCredential(
  tpm: Tpm,
  keys: { endorsement: TpmHandle; attestation: TpmHandle },
  credential: Credential,
): Buffer {
  using policy = startSession(tpm, 'policy', keys.endorsement, 'both');
  policySecret(tpm, policy, 'endorsement');
  return openCredential(tpm, { ...keys, policy }, credential.blob, credential.encryptedSeed);
}
