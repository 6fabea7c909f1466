import { DeviceId, OrganisationId } from '@raypher/shared';
import { readCertificateRequest } from '../enrollment/certificate-request.ts';
import {
  createOrganisationAuthority,
  createRoot,
  generateKeyPair,
  issueDeviceCertificate,
  toPem,
} from '../keys/certificates.ts';
import type { TestDevice } from './test-device.ts';

/** The very names of a device, in a chain that somebody else has made up. */
export async function forgeIdentity(device: TestDevice): Promise<{ key: string; certificate: string }> {
  const [rootKeys, authorityKeys] = [await generateKeyPair(), await generateKeyPair()];
  const organisation = OrganisationId.parse(device.organisationId);
  const root = { certificate: await createRoot(rootKeys), privateKey: rootKeys.privateKey };
  const certificate = await createOrganisationAuthority(root, organisation, authorityKeys.publicKey);
  const authority = { certificate, privateKey: authorityKeys.privateKey };
  const request = await readCertificateRequest(device.csr);
  const leaf = await issueDeviceCertificate(
    authority,
    organisation,
    DeviceId.parse(device.id),
    request.publicKey,
  );
  return { key: device.keyPem, certificate: toPem(leaf) + toPem(certificate) };
}
