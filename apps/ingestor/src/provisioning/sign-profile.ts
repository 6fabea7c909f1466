import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import forge from 'node-forge';
import { type Authority, toPem } from '../keys/certificates.ts';

/** CMS with RSA is what every macOS reads. */
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
} as const;
const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const BACKDATE_MS = 5 * 60 * 1000;

/**
 * Signs a configuration profile (CMS SignedData with the content inside, DER) with a key that is made for it and forgotten,
 * certified by the installation's root: nobody can sign another with it.
 */
export async function signProfile(root: Authority, plist: string): Promise<Buffer> {
  const keys = await webcrypto.subtle.generateKey(RSA, true, ['sign', 'verify']);
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `4${randomBytes(16).toString('hex').slice(1)}`,
    subject: 'CN=Raypher profile signing',
    issuer: root.certificate.subject,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + YEAR_MS),
    publicKey: keys.publicKey,
    signingKey: root.privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(root.certificate.publicKey),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const signed = forge.pkcs7.createSignedData();
  signed.content = forge.util.createBuffer(Buffer.from(plist).toString('binary'));
  const signer = forge.pki.certificateFromPem(toPem(certificate));
  signed.addCertificate(signer);
  signed.addSigner({
    key: forge.pki.privateKeyFromAsn1(forge.asn1.fromDer(pkcs8.toString('binary'))),
    certificate: signer,
    digestAlgorithm: forge.pki.oids.sha256 ?? '',
    authenticatedAttributes: [
      { type: forge.pki.oids.contentType ?? '', value: forge.pki.oids.data ?? '' },
      { type: forge.pki.oids.messageDigest ?? '' },
      { type: forge.pki.oids.signingTime ?? '' },
    ],
  });
  signed.sign();
  return toDer(withCertificate(signed.toAsn1(), Buffer.from(certificate.rawData)));
}

/**
 * Puts the certificate in as it was issued: forge would write it anew, with parameters that ECDSA does not have
 * (RFC 5758 §3.2), and its signature would be wrong.
 *
 * @param message ContentInfo (RFC 5652 §3)
 */
function withCertificate(message: forge.asn1.Asn1, certificate: Buffer): forge.asn1.Asn1 {
  const signedData = childrenOf(childrenOf(message)[1])[0];
  const certificates = childrenOf(signedData).find(
    ({ tagClass, type }) => tagClass === forge.asn1.Class.CONTEXT_SPECIFIC && Number(type) === 0,
  );
  if (certificates === undefined) throw new TypeError('a signed message without certificates');
  certificates.value = [forge.asn1.fromDer(certificate.toString('binary'))];
  return message;
}

function childrenOf(node: forge.asn1.Asn1 | undefined): forge.asn1.Asn1[] {
  return Array.isArray(node?.value) ? node.value : [];
}

function toDer(node: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(node).getBytes(), 'binary');
}
