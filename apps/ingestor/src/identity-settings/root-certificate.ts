import { createHash } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import { readMakerCertificate } from '@raypher/shared/attestation';

export interface RootCertificate {
  der: Buffer;
  /** SHA-256 of the certificate, hex. */
  fingerprint: string;
  subject: string;
}

const BLOCK = /^-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----$/;

/**
 * One PEM certificate of an authority that signed itself and is valid now.
 *
 * @throws RaypherError `request/invalid` that says what it is instead
 */
export function parseRootCertificate(pem: string, now: Date): RootCertificate {
  const base64 = BLOCK.exec(pem.trim())?.[1];
  if (base64 === undefined) throw invalid('This is not exactly one certificate in PEM form.');
  const certificate = readMakerCertificate(Buffer.from(base64, 'base64'));
  if (certificate === undefined) throw invalid('This certificate cannot be read.');
  const { x509, publicKey } = certificate;
  if (!certificate.isAuthority || certificate.keyUsage?.has(KEY_CERT_SIGN) === false) {
    throw invalid('This certificate is not one of an authority.');
  }
  if (x509.issuer !== x509.subject || !x509.verify(publicKey)) {
    throw invalid('This certificate did not sign itself; take the root that its chain ends in.');
  }
  if (x509.validFromDate > now || x509.validToDate < now)
    throw invalid('This certificate is not valid today.');
  if (certificate.strangers.length > 0) {
    throw invalid(
      `This certificate has critical extensions that are not known here: ${certificate.strangers.join(', ')}.`,
    );
  }
  const der = x509.raw;
  const fingerprint = createHash('sha256').update(der).digest('hex');
  return { der, fingerprint, subject: x509.subject.replaceAll('\n', ', ') };
}

/** keyCertSign (RFC 5280 §4.2.1.3). */
const KEY_CERT_SIGN = 5;

function invalid(sentence: string): RaypherError {
  return new RaypherError('request/invalid', sentence, {
    hint: 'Makers publish the root certificates of their TPMs; hypervisors write theirs beside their configuration.',
  });
}
