import { type KeyObject, X509Certificate } from 'node:crypto';
import { DER, type DerValue, readDer, readDerList, readOid } from './der.ts';

const EXTENSION = {
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
  certificatePolicies: '2.5.29.32',
  subjectKeyId: '2.5.29.14',
  authorityKeyId: '2.5.29.35',
} as const;

/** The ones that are understood here, or, as the TPM's make and model in the alternative name, need no action. */
const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(EXTENSION));

/** Bits of KeyUsage (RFC 5280 §4.2.1.3), the first one highest. */
export const KEY_USAGE = { keyEncipherment: 2, keyAgreement: 4, keyCertSign: 5 } as const;

/** RSA and ECDSA with SHA-2; SHA-1 says nothing any more. RSASSA-PSS names its hash in its parameters. */
const SHA2_SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
]);

/** What makers sign with. Who may choose the key chooses how long each check takes: no odd curves, exponents or lengths. */
const CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
const MAX_RSA_BITS = 8192;
const MAX_RSA_EXPONENT = 2n ** 32n;

/** The longest certificate that is looked at. */
const MAX_BYTES = 8192;

/** What a path from an endorsement key to its maker is made of (RFC 5280 §4). */
export interface MakerCertificate {
  x509: X509Certificate;
  publicKey: KeyObject;
  isAuthority: boolean;
  /** How many authorities may stand between it and a leaf; undefined: any number. */
  pathLength: number | undefined;
  /** Undefined when the certificate does not say. */
  keyUsage: ReadonlySet<number> | undefined;
  extendedKeyUsage: readonly string[] | undefined;
  subjectKeyId: string | undefined;
  authorityKeyId: string | undefined;
  /** Critical extensions that are not understood here. */
  strangers: readonly string[];
  hasModernSignature: boolean;
}

/** @returns undefined for what is no certificate, or has a key or times that are not readable here */
export function readMakerCertificate(bytes: Buffer): MakerCertificate | undefined {
  if (bytes.length > MAX_BYTES) return undefined;
  try {
    // TPMs pad what lies in their non-volatile memory.
    const der = readDer(bytes).whole;
    const x509 = new X509Certificate(der);
    const { publicKey } = x509;
    if (!hasTimes(x509) || !isOfMakers(publicKey)) return undefined;
    return { x509, publicKey, ...readFields(der) };
  } catch {
    return undefined;
  }
}

/**
 * A time that is none is neither before nor after anything: such a certificate might never end. Asked of the text, because
 * Node makes any date at all of what OpenSSL cannot read.
 */
function hasTimes({ validFrom, validTo }: X509Certificate): boolean {
  return !Number.isNaN(Date.parse(validFrom)) && !Number.isNaN(Date.parse(validTo));
}

function isOfMakers({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'ec') return CURVES.has(asymmetricKeyDetails?.namedCurve);
  if (asymmetricKeyType !== 'rsa') return false;
  const { modulusLength = Number.POSITIVE_INFINITY, publicExponent = MAX_RSA_EXPONENT } =
    asymmetricKeyDetails ?? {};
  return modulusLength <= MAX_RSA_BITS && publicExponent < MAX_RSA_EXPONENT;
}

function readFields(der: Buffer): Omit<MakerCertificate, 'x509' | 'publicKey'> {
  const [body, algorithm] = readDerList(readDer(der).content);
  const extensions = readExtensions(body);
  const content = (oid: string) => {
    const found = extensions.get(oid);
    return found === undefined ? undefined : readDer(found.value);
  };
  const constraints = readDerList(content(EXTENSION.basicConstraints)?.content ?? Buffer.alloc(0));
  const isAuthority = constraints.at(0)?.tag === DER.boolean && constraints.at(0)?.content.at(0) !== 0;
  const length = constraints.find(({ tag }) => tag === DER.integer);
  const keyUsage = content(EXTENSION.keyUsage);
  const extended = content(EXTENSION.extendedKeyUsage);
  const subjectKeyId = content(EXTENSION.subjectKeyId);
  const authority = readDerList(content(EXTENSION.authorityKeyId)?.content ?? Buffer.alloc(0));
  return {
    isAuthority,
    pathLength: length === undefined ? undefined : readSmallInteger(length),
    keyUsage: keyUsage === undefined ? undefined : readBits(keyUsage.content),
    extendedKeyUsage:
      extended === undefined
        ? undefined
        : readDerList(extended.content).map((value) => readOid(value.content)),
    subjectKeyId: subjectKeyId?.content.toString('hex'),
    // [0] keyIdentifier; the issuer's name and number are compared by their own fields.
    authorityKeyId: authority.find(({ tag }) => tag === 0x80)?.content.toString('hex'),
    strangers: [...extensions]
      .filter(([oid, { isCritical }]) => isCritical && !UNDERSTOOD.has(oid))
      .map(([oid]) => oid),
    hasModernSignature:
      algorithm !== undefined && SHA2_SIGNATURES.has(readOid(readDer(algorithm.content).content)),
  };
}

interface Extension {
  isCritical: boolean;
  value: Buffer;
}

/** From `[3]`, the last field of the certificate's body. @throws RangeError for one that comes twice */
function readExtensions(body: DerValue | undefined): Map<string, Extension> {
  const found = new Map<string, Extension>();
  const tagged = readDerList(body?.content ?? Buffer.alloc(0)).find(({ tag }) => tag === 0xa3);
  if (tagged === undefined) return found;
  for (const { content } of readDerList(readDer(tagged.content).content)) {
    const parts = readDerList(content);
    const oid = readOid(parts.at(0)?.content ?? Buffer.alloc(0));
    const value = parts.at(-1);
    if (value?.tag !== DER.octetString || found.has(oid))
      throw new RangeError('Extensions that are not in order.');
    const flag = parts.length === 3 ? parts.at(1) : undefined;
    found.set(oid, { isCritical: flag !== undefined && flag.content.at(0) !== 0, value: value.content });
  }
  return found;
}

function readSmallInteger({ content }: DerValue): number {
  if (content.length !== 1 || (content.at(0) ?? 0) > 0x7f)
    throw new RangeError('A path length that makes no sense.');
  return content.readUInt8();
}

function readBits(content: Buffer): ReadonlySet<number> {
  const bits = new Set<number>();
  for (const [index, byte] of content.subarray(1, 3).entries()) {
    for (let bit = 0; bit < 8; bit += 1) if ((byte & (0x80 >> bit)) !== 0) bits.add(index * 8 + bit);
  }
  return bits;
}
