import 'reflect-metadata';
import { createHash } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { RaypherError } from '@raypher/shared';

export interface CertificateRequest {
  publicKey: x509.PublicKey;
  /** SHA-256 of the key's SubjectPublicKeyInfo. */
  keyFingerprint: Buffer;
}

/**
 * Takes the key out of a PKCS#10 request, and nothing else: subject, names and extensions that a
 * device asks for are ignored.
 *
 * @throws RaypherError `enrolment/csr-invalid` unless it is a P-256 key whose owner signed the request.
 */
export async function readCertificateRequest(pem: string): Promise<CertificateRequest> {
  let request: x509.Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(pem);
    if (!isP256(request.publicKey)) {
      throw new RaypherError('enrolment/csr-invalid', 'The device key must be an ECDSA key on P-256.');
    }
    if (!(await request.verify())) {
      throw new RaypherError(
        'enrolment/csr-invalid',
        'The certificate request is not signed by its own key.',
      );
    }
  } catch (cause) {
    if (cause instanceof RaypherError) throw cause;
    throw new RaypherError('enrolment/csr-invalid', 'The certificate request cannot be read.', {
      hint: 'Send a PKCS#10 request in PEM form.',
      cause,
    });
  }
  const { publicKey } = request;
  return {
    publicKey,
    keyFingerprint: createHash('sha256').update(Buffer.from(publicKey.rawData)).digest(),
  };
}

function isP256(key: x509.PublicKey): boolean {
  const { algorithm } = key;
  return algorithm.name === 'ECDSA' && 'namedCurve' in algorithm && algorithm.namedCurve === 'P-256';
}
