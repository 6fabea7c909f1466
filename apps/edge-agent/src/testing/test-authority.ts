// The certificate library finds its parts through metadata and refuses to load without this.
import 'reflect-metadata';
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type DeviceId, deviceUri, type OrganisationId } from '@raypher/shared';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3_600_000;

export interface Issued {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS#8. */
  key: string;
}

/** Root CA → organisation CA → device, and server certificates, as the control plane issues them. */
export class TestAuthority {
  readonly root: x509.X509Certificate;
  readonly rootPem: string;
  /** Base64url SHA-256 of the root's SubjectPublicKeyInfo. */
  readonly pin: string;
  readonly #rootKeys: webcrypto.CryptoKeyPair;
  readonly #organisation: x509.X509Certificate;
  readonly #organisationKeys: webcrypto.CryptoKeyPair;

  private constructor(
    root: { certificate: x509.X509Certificate; keys: webcrypto.CryptoKeyPair },
    organisation: { certificate: x509.X509Certificate; keys: webcrypto.CryptoKeyPair },
  ) {
    this.root = root.certificate;
    this.rootPem = root.certificate.toString('pem');
    this.pin = createHash('sha256')
      .update(Buffer.from(root.certificate.publicKey.rawData))
      .digest('base64url');
    this.#rootKeys = root.keys;
    this.#organisation = organisation.certificate;
    this.#organisationKeys = organisation.keys;
  }

  static async create(): Promise<TestAuthority> {
    const rootKeys = await keyPair();
    const root = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: 'CN=Test root',
      ...validity(DAY_MS * 365),
      keys: rootKeys,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.BasicConstraintsExtension(true, 2, true)],
    });
    const organisationKeys = await keyPair();
    const organisation = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: 'CN=Test organisation',
      issuer: root.subject,
      ...validity(DAY_MS * 30),
      publicKey: organisationKeys.publicKey,
      signingKey: rootKeys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    return new TestAuthority(
      { certificate: root, keys: rootKeys },
      { certificate: organisation, keys: organisationKeys },
    );
  }

  /** For localhost; the chain that is presented ends with the root. */
  async issueServer(): Promise<Issued> {
    const keys = await keyPair();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: 'CN=localhost',
      issuer: this.root.subject,
      ...validity(DAY_MS),
      publicKey: keys.publicKey,
      signingKey: this.#rootKeys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      ],
    });
    return {
      certificate: `${certificate.toString('pem')}\n${this.rootPem}\n`,
      key: await exportKey(keys.privateKey),
    };
  }

  /** @returns SubjectPublicKeyInfo of what a certificate is requested for, DER */
  static requestedKey(csr: string): Buffer {
    return Buffer.from(new x509.Pkcs10CertificateRequest(csr).publicKey.rawData);
  }

  /** @returns PEM chain: device, then organisation */
  async issueDevice(
    csr: string,
    organisation: OrganisationId,
    device: DeviceId,
    lifeMs = DAY_MS,
  ): Promise<string> {
    const request = new x509.Pkcs10CertificateRequest(csr);
    if (!(await request.verify())) throw new Error('the request is not signed by its own key');
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${device}`,
      issuer: this.#organisation.subject,
      ...validity(lifeMs),
      publicKey: await request.publicKey.export(),
      signingKey: this.#organisationKeys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: deviceUri(organisation, device) }]),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      ],
    });
    return `${certificate.toString('pem')}\n${this.#organisation.toString('pem')}\n`;
  }
}

function keyPair(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

function serial(): string {
  return `01${randomBytes(8).toString('hex')}`;
}

function validity(ms: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + ms) };
}
