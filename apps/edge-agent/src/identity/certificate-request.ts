import { DER, der } from './der.ts';

/** Object identifiers in DER: ecdsa-with-SHA256 (RFC 5758 §3.2) and commonName (RFC 5280 appendix A). */
const ECDSA_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const VERSION_1 = Buffer.from('020100', 'hex');
const LINE = 64;

/**
 * A PKCS#10 request (RFC 2986) for a P-256 key, wherever that key is: in a file or in a TPM.
 *
 * @param publicKey SubjectPublicKeyInfo, DER
 * @param name the common name; what the certificate says is the issuer's to choose
 * @param sign ECDSA with SHA-256, DER
 * @returns PEM
 */
export async function createCertificateRequest(
  publicKey: Buffer,
  name: string,
  sign: (data: Buffer) => Promise<Buffer>,
): Promise<string> {
  const common = der(DER.sequence, COMMON_NAME, der(DER.utf8String, Buffer.from(name)));
  const subject = der(DER.sequence, der(DER.set, common));
  const wanted = der(DER.sequence, VERSION_1, subject, publicKey, der(DER.context0));
  // No bits of the last byte are unused (X.690 §8.6.2).
  const signature = der(DER.bitString, Buffer.from([0]), await sign(wanted));
  const request = der(DER.sequence, wanted, der(DER.sequence, ECDSA_SHA256), signature);
  const lines = request.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join(
    '\n',
  );
}
