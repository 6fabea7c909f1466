import type { X509Certificate } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import { keyName, parsePublicKey } from '@raypher/shared/attestation';
import type { Tpm, TpmHandle } from '../../native/tss2.ts';
import { createPrimary, nameOf, readPublic } from '../../native/tss2-objects.ts';
import { handlesBetween } from './capabilities.ts';
import { certifies, readCertificate, readChain } from './endorsement-certificate.ts';
import { EK_TEMPLATES, fingerprint, isEndorsementKey, type KeyAlgorithm } from './public-area.ts';

/** Where the TCG EK Credential Profile puts things (§2.2.1.4) and the TPM 2.0 Provisioning Guidance (§7.8) keys. */
const PLACES = {
  rsa2048: { persistent: 0x81010001, certificate: 0x01c00002 },
  'ecc-p256': { persistent: 0x81010002, certificate: 0x01c0000a },
} as const satisfies Record<KeyAlgorithm, { persistent: number; certificate: number }>;

/** The key that every TPM is born with, and that no other one has. */
export interface EndorsementKey {
  algorithm: KeyAlgorithm;
  /** TPMT_PUBLIC. */
  publicArea: Buffer;
  /** SHA-256 over the public area, hex: what identifies this TPM. */
  fingerprint: string;
  /** The maker's word that this key is in a TPM of theirs; not verified here. */
  certificate: X509Certificate | undefined;
  /** Issuers' certificates kept in the TPM, in its order. */
  chain: X509Certificate[];
  /** What was looked at, in order, and what was there. */
  looked: string[];
}

/**
 * Reads the endorsement key as the TCG EK profile says. A key at the usual handle spares deriving it again, and is the
 * same one: so the fingerprint stays when somebody makes the key persistent or takes it away.
 *
 * RSA, unless only the ECC key has a certificate: the maker decides that once, in the factory.
 *
 * @throws RaypherError `tpm/…`
 */
export function readEndorsementKey(tpm: Tpm): EndorsementKey {
  const looked: string[] = [];
  const rsa = lookForCertificate(tpm, 'rsa2048', looked);
  const ecc = rsa === undefined ? lookForCertificate(tpm, 'ecc-p256', looked) : undefined;
  const algorithm = ecc === undefined ? 'rsa2048' : 'ecc-p256';
  const certificate = rsa ?? ecc;
  const isGenuine = (area: Buffer) =>
    certificate !== undefined && certifies(certificate, parsePublicKey(area));
  let publicArea = persistentKey(tpm, algorithm, looked) ?? derivedKey(tpm, algorithm, looked);
  // Whoever owns the TPM can put a key of the same shape at the handle; nobody can make the derived one another.
  if (certificate !== undefined && !isGenuine(publicArea)) publicArea = derivedKey(tpm, algorithm, looked);
  const genuine = isGenuine(publicArea);
  if (certificate !== undefined && !genuine) looked.push('the certificate is for another key: ignored');
  return {
    algorithm,
    publicArea,
    fingerprint: fingerprint(publicArea),
    certificate: genuine ? certificate : undefined,
    chain: genuine ? readChain(tpm) : [],
    looked,
  };
}

/**
 * Makes the endorsement key ready for use, in a slot or at its handle.
 *
 * @throws RaypherError `tpm/cleared` when this TPM has another one
 */
export function openEndorsementKey(
  tpm: Tpm,
  { algorithm, publicArea }: Pick<EndorsementKey, 'algorithm' | 'publicArea'>,
): TpmHandle {
  const place = PLACES[algorithm].persistent;
  const wanted = keyName(publicArea);
  if (handlesBetween(tpm, place, place).length > 0) {
    const key = tpm.at(place);
    if (nameOf(tpm, key).equals(wanted)) return key;
    key[Symbol.dispose]();
  }
  const key = createPrimary(tpm, 'endorsement', EK_TEMPLATES[algorithm]);
  if (nameOf(tpm, key).equals(wanted)) return key;
  key[Symbol.dispose]();
  throw new RaypherError('tpm/cleared', 'This TPM has another endorsement key than the one expected.', {
    hint: 'The TPM or the mainboard was replaced, or this is another machine: enrol it as a new device.',
    details: { expected: fingerprint(publicArea) },
  });
}

/** The NV index for the maker's certificate. */
export function certificateIndex(algorithm: KeyAlgorithm): number {
  return PLACES[algorithm].certificate;
}

function lookForCertificate(
  tpm: Tpm,
  algorithm: KeyAlgorithm,
  looked: string[],
): X509Certificate | undefined {
  const place = PLACES[algorithm].certificate;
  const certificate = readCertificate(tpm, place);
  looked.push(`${algorithm} certificate at ${hex(place)}: ${certificate === undefined ? 'none' : 'found'}`);
  return certificate;
}

function persistentKey(tpm: Tpm, algorithm: KeyAlgorithm, looked: string[]): Buffer | undefined {
  const place = PLACES[algorithm].persistent;
  const where = `${algorithm} key at ${hex(place)}`;
  if (handlesBetween(tpm, place, place).length === 0) {
    looked.push(`${where}: none`);
    return undefined;
  }
  using key = tpm.at(place);
  const publicArea = readPublic(tpm, key);
  const fits = isEndorsementKey(publicArea, algorithm);
  looked.push(`${where}: ${fits ? 'found' : 'another kind of key, ignored'}`);
  return fits ? publicArea : undefined;
}

function derivedKey(tpm: Tpm, algorithm: KeyAlgorithm, looked: string[]): Buffer {
  using key = createPrimary(tpm, 'endorsement', EK_TEMPLATES[algorithm]);
  looked.push(`${algorithm} key derived from the default template`);
  return readPublic(tpm, key);
}

function hex(handle: number): string {
  return `0x${handle.toString(16).padStart(8, '0')}`;
}
