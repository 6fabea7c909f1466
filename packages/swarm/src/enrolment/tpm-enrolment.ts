import type { Attestation } from '@raypher/shared/attestation';
import type { EnrolProof, EnrolRequest, EnrolResponse, SignedStatement } from '@raypher/shared/rest';
import type { SimulatedTpm } from '../device/simulated-tpm.ts';
import { certificateRequest } from './certificate-request.ts';
import type { ControlPlane } from './control-plane.ts';

/** Answers the control plane's challenge as a device with this TPM does, and becomes a member. */
export async function enrolWithTpm(
  controlPlane: ControlPlane,
  tpm: SimulatedTpm,
  device: EnrolRequest['device'],
): Promise<EnrolResponse> {
  const { challenge, nonce, pcrs, credential } = await controlPlane.challenge(tpm.evidence());
  const qualifying = Buffer.from(nonce, 'base64');
  const quoted = tpm.quote(qualifying, pcrs);
  const proof: EnrolProof = {
    challenge,
    secret: tpm
      .activate({
        blob: Buffer.from(credential.blob, 'base64'),
        encryptedSeed: Buffer.from(credential.encryptedSeed, 'base64'),
      })
      .toString('base64'),
    certification: statement(tpm.certify(qualifying)),
    quote: statement(quoted.quote),
    pcrs: quoted.pcrs,
  };
  return controlPlane.enrol(await certificateRequest(tpm.deviceKey, device.hostname), device, proof);
}

function statement({ attested, signature }: Attestation): SignedStatement {
  return { attested: attested.toString('base64'), signature: signature.toString('base64') };
}
