import { randomUUID, type webcrypto } from 'node:crypto';
import { PublicKey } from '@peculiar/x509';
import { DeviceId, OrganisationId } from '@raypher/shared';
import {
  createRoot,
  exportPrivateKey,
  generateKeyPair,
  issueDeviceCertificate,
  issueServerCertificate,
  toPem,
} from '../../keys/certificates.ts';

/** A certificate for a receiver on this machine, and the authority that it comes from; PEM. */
export interface ReceiverIdentity {
  ca: string;
  cert: string;
  key: string;
}

export async function receiverIdentity(
  names: string[] = ['siem.example', '127.0.0.1'],
): Promise<ReceiverIdentity> {
  const [rootKeys, keys] = [await generateKeyPair(), await generateKeyPair()];
  const root = await createRoot(rootKeys);
  const authority = { certificate: root, privateKey: rootKeys.privateKey };
  const certificate = await issueServerCertificate(authority, names, keys.publicKey);
  return { ca: toPem(root), cert: toPem(certificate), key: await keyPem(keys) };
}

/** A certificate that a client shows, and the authority that it comes from; PEM. */
export async function clientIdentity(): Promise<ReceiverIdentity> {
  const [rootKeys, keys] = [await generateKeyPair(), await generateKeyPair()];
  const root = await createRoot(rootKeys);
  const certificate = await issueDeviceCertificate(
    { certificate: root, privateKey: rootKeys.privateKey },
    OrganisationId.parse(randomUUID()),
    DeviceId.parse(randomUUID()),
    await PublicKey.create(keys.publicKey),
  );
  return { ca: toPem(root), cert: toPem(certificate), key: await keyPem(keys) };
}

async function keyPem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const key = (await exportPrivateKey(privateKey)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----`;
}
