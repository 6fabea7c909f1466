// The certificate library finds its parts through metadata and refuses to load without this.
import 'reflect-metadata';
import { randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3_600_000;
/** Long enough that nobody has to touch trust stores every year, short enough that a forgotten root ends. */
const ROOT_LIFE_MS = 5 * 365 * DAY_MS;
/** A root that ends within this is replaced when the agent starts. */
const ROOT_SPARE_MS = 30 * DAY_MS;
const LEAF_LIFE_MS = 7 * DAY_MS;
/** A leaf is made anew when it ends within this, so that none ends while a connection is being made. */
const LEAF_SPARE_MS = DAY_MS;
/** Clocks of containers and virtual machines lag behind by hours after a suspend. */
const CLOCK_SKEW_MS = DAY_MS;
/** X.520 ub-common-name. A longer host is only in the alternative names, where clients look (RFC 9110 §4.3.4). */
const MAX_COMMON_NAME = 64;

/** What a certificate for one host consists of. */
export interface Leaf {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS#8. */
  key: string;
  /** When to make another one, milliseconds since the epoch. */
  renewAt: number;
}

/** A new root: the certificate for everybody, the key for {@link CertificateAuthority.open} alone. */
export interface NewRoot {
  /** PEM. */
  certificate: string;
  /** PKCS#8, DER. The caller seals it, and overwrites it. */
  key: Uint8Array;
}

/**
 * This machine's own certificate authority, which clients here trust and nobody elsewhere. Its key cannot be read back
 * out of this object.
 */
export class CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  readonly #issuer: Issuer;
  readonly #signingKey: webcrypto.CryptoKey;
  readonly #leafKeys: webcrypto.CryptoKeyPair;
  readonly #leafKeyPem: string;

  private constructor(
    certificate: string,
    issuer: Issuer,
    signingKey: webcrypto.CryptoKey,
    leafKeys: webcrypto.CryptoKeyPair,
    leafKeyPem: string,
  ) {
    this.certificate = certificate;
    this.#issuer = issuer;
    this.#signingKey = signingKey;
    this.#leafKeys = leafKeys;
    this.#leafKeyPem = leafKeyPem;
  }

  /** SHA-256 over the certificate, hex: what people compare. */
  get fingerprint(): string {
    return fingerprintOf(this.certificate);
  }

  /** @param machine what tells this root from that of another machine in a list of certificates */
  static async createRoot(machine: string, now = Date.now()): Promise<NewRoot> {
    const x509 = await import('@peculiar/x509');
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      // As an object: no character of a machine's name is syntax.
      name: [{ O: ['Raypher'] }, { CN: [`Raypher interception on ${machine}`.slice(0, MAX_COMMON_NAME)] }],
      notBefore: new Date(now - CLOCK_SKEW_MS),
      notAfter: new Date(now + ROOT_LIFE_MS),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        // No certificate authority below it.
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        // Good for TLS servers only: not for code, mail or clients (docs/decisions/0007).
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const key = new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    return { certificate: `${certificate.toString('pem')}\n`, key };
  }

  /**
   * @param key PKCS#8, DER; the caller overwrites it afterwards
   * @throws Error when the key is not that of the certificate
   */
  static async open({ certificate, key }: NewRoot): Promise<CertificateAuthority> {
    const x509 = await import('@peculiar/x509');
    const signingKey = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(key), ALGORITHM, false, [
      'sign',
    ]);
    const root = new x509.X509Certificate(certificate);
    const issuer: Issuer = {
      name: root.subjectName,
      authorityKey: await x509.AuthorityKeyIdentifierExtension.create(root),
      notAfter: root.notAfter.getTime(),
    };
    await requirePair(root.publicKey, signingKey);
    // One pair for all leaves of this run: a new one each time would be most of the cost, and a pair per host would
    // protect nothing, as all of them are in the same memory.
    const leafKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey));
    return new CertificateAuthority(certificate, issuer, signingKey, leafKeys, pem('PRIVATE KEY', pkcs8));
  }

  /** @param host canonical name or address, without brackets */
  async issue(host: string, now = Date.now()): Promise<Leaf> {
    const x509 = await import('@peculiar/x509');
    const notAfter = Math.min(now + LEAF_LIFE_MS, this.#issuer.notAfter);
    const named = host.length <= MAX_COMMON_NAME ? [{ CN: [host] }] : [];
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [{ O: ['Raypher'] }, ...named],
      issuer: this.#issuer.name,
      notBefore: new Date(now - CLOCK_SKEW_MS),
      notAfter: new Date(notAfter),
      publicKey: this.#leafKeys.publicKey,
      signingKey: this.#signingKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }]),
        this.#issuer.authorityKey,
        await x509.SubjectKeyIdentifierExtension.create(this.#leafKeys.publicKey),
      ],
    });
    return {
      certificate: `${certificate.toString('pem')}\n`,
      key: this.#leafKeyPem,
      renewAt: notAfter - LEAF_SPARE_MS,
    };
  }
}

type X509 = typeof import('@peculiar/x509');
interface Issuer {
  name: InstanceType<X509['X509Certificate']>['subjectName'];
  authorityKey: InstanceType<X509['AuthorityKeyIdentifierExtension']>;
  notAfter: number;
}

/** SHA-256 over a certificate, hex. @param certificate PEM */
export function fingerprintOf(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Whether a root is to be replaced: it ended or ends soon, or the clock says that it has not begun. */
export function isOver(certificate: string, now = Date.now()): boolean {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  return validToDate.getTime() - ROOT_SPARE_MS < now || validFromDate.getTime() > now + CLOCK_SKEW_MS;
}

/** A damaged file must not lead to certificates that nobody can verify. */
async function requirePair(
  publicKey: InstanceType<X509['X509Certificate']>['publicKey'],
  signingKey: webcrypto.CryptoKey,
): Promise<void> {
  const probe = randomBytes(32);
  const signature = await webcrypto.subtle.sign(ALGORITHM, signingKey, probe);
  const verifyKey = await publicKey.export(ALGORITHM, ['verify']);
  if (!(await webcrypto.subtle.verify(ALGORITHM, verifyKey, signature, probe))) {
    throw new Error('the key is not that of the certificate');
  }
}

/** Positive, not zero in front, 17 octets (RFC 5280 §4.1.2.2 allows 20). */
function serialNumber(): string {
  return `01${randomBytes(16).toString('hex')}`;
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
