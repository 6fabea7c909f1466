import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3_600_000;

interface Issuer {
  certificate: X509Certificate;
  keys: webcrypto.CryptoKeyPair;
}

/** A throw-away public key infrastructure of the product's shape: root → organisation → device, root → server. */
export class FloorAuthority {
  readonly #root: Issuer;
  readonly #organisation: Issuer;

  private constructor(root: Issuer, organisation: Issuer) {
    this.#root = root;
    this.#organisation = organisation;
  }

  static async create(): Promise<FloorAuthority> {
    const root = await createAuthority('Raypher floor root', undefined);
    return new FloorAuthority(root, await createAuthority('Raypher floor organisation', root));
  }

  get rootPem(): string {
    return this.#root.certificate.toString('pem');
  }

  /** DER of the root's SubjectPublicKeyInfo: what an enrolment token pins. */
  get rootKey(): Buffer {
    return Buffer.from(this.#root.certificate.publicKey.rawData);
  }

  /** A certificate for this machine's loopback names, and its key; the chain ends with the root, for the pin. */
  async serverCertificate(): Promise<{ certificate: string; key: string }> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await issue(this.#root, 'localhost', keys.publicKey, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ]);
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    return { certificate: `${certificate}\n${this.rootPem}`, key: pem('PRIVATE KEY', pkcs8) };
  }

  /** @returns PEM chain: the device's certificate, then the organisation's authority */
  async deviceCertificate(csr: string, uri: string): Promise<string> {
    const request = new Pkcs10CertificateRequest(csr);
    const key = await request.publicKey.export(ALGORITHM, ['verify']);
    const certificate = await issue(this.#organisation, 'device', key, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
    ]);
    return `${certificate}\n${this.#organisation.certificate.toString('pem')}`;
  }
}

async function createAuthority(name: string, parent: Issuer | undefined): Promise<Issuer> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    ...validity(),
    serialNumber: randomBytes(16).toString('hex'),
    subject: `CN=${name}`,
    issuer: parent?.certificate.subject ?? `CN=${name}`,
    publicKey: keys.publicKey,
    signingKey: (parent?.keys ?? keys).privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, parent === undefined ? 1 : 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certificate, keys };
}

async function issue(
  issuer: Issuer,
  name: string,
  publicKey: webcrypto.CryptoKey,
  extensions: (ExtendedKeyUsageExtension | SubjectAlternativeNameExtension)[],
): Promise<string> {
  const certificate = await X509CertificateGenerator.create({
    ...validity(),
    serialNumber: randomBytes(16).toString('hex'),
    subject: `CN=${name}`,
    issuer: issuer.certificate.subject,
    publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      ...extensions,
    ],
  });
  return certificate.toString('pem');
}

function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + DAY_MS) };
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
