// The certificate library finds its parts through metadata and refuses to load without this.
import 'reflect-metadata';
import { type KeyObject, webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Signs a PKCS#10 request (RFC 2986) for a P-256 key. @returns PEM */
export async function createCertificateRequest(
  key: KeyObject,
  publicKey: Buffer,
  name: string,
): Promise<string> {
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const [signing, verifying] = await Promise.all([
    webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']),
    webcrypto.subtle.importKey('spki', publicKey, ALGORITHM, true, ['verify']),
  ]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${name}`,
    keys: { privateKey: signing, publicKey: verifying },
    signingAlgorithm: ALGORITHM,
  });
  return request.toString('pem');
}
