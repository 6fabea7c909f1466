import type { Credential } from '@raypher/shared/attestation';
import type { Tpm, TpmHandle } from '../../native/tss2.ts';

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
  using policy = tpm.startPolicy(keys.endorsement);
  tpm.policySecret(policy, 'endorsement');
  return tpm.activateCredential({ ...keys, policy }, credential.blob, credential.encryptedSeed);
}
