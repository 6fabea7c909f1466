import { createHash, verify } from 'node:crypto';
import { RaypherError } from '../errors.ts';
import { keyName, parsePublicKey } from './public-key.ts';
import { uint16, uint32, WireReader } from './wire.ts';

/** What a TPM said, and its signature. */
export interface Attestation {
  /** TPMS_ATTEST. */
  attested: Buffer;
  /** TPMT_SIGNATURE. */
  signature: Buffer;
}

interface Clock {
  /** Counts losses of power: a copy of a virtual TPM that runs beside the original goes its own way here. */
  resetCount: number;
  restartCount: number;
  firmwareVersion: bigint;
}

/** The state of a machine in the words of its TPM. */
export interface Quoted extends Clock {
  /** TPML_PCR_SELECTION. */
  pcrSelection: Buffer;
  /** SHA-256 over the selected PCRs, one after the other. */
  pcrDigest: Buffer;
}

/** TPM_GENERATED: no restricted key signs anything from outside that starts like this (TPM 2.0 Part 2 §6.2). */
const GENERATED = 0xff544347;
/** TPM_ST_ATTEST_* (Part 2 §6.9). */
const CERTIFY = 0x8017;
const QUOTE = 0x8018;
/** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign, and nothing else (Part 2 §8.3). */
const ATTESTATION_KEY = 0x50072;
const ECDSA_SHA256 = Buffer.from('0018000b', 'hex');
const COORDINATE_BYTES = 32;
/** TPM_ALG_SHA256 (Part 2 §6.3). */
const SHA256 = 0x000b;

/**
 * Checks that a TPM with this attestation key quoted its state for this nonce, now.
 *
 * @param attestationKey TPMT_PUBLIC, proven by a credential to be in a TPM
 * @throws RaypherError `device/identity-mismatch`, which says what is wrong; `request/invalid` for no key at all
 */
export function verifyQuote(quote: Attestation, attestationKey: Buffer, nonce: Buffer): Quoted {
  return verifyAttestation(quote, attestationKey, nonce, QUOTE, (reader, clock) => {
    const parts: Buffer[] = [reader.take(4)];
    for (let left = parts[0]?.readUInt32BE() ?? 0; left > 0; left -= 1) {
      const head = reader.take(3);
      parts.push(head, reader.take(head.readUInt8(2)));
    }
    const pcrDigest = reader.sized();
    reader.end();
    return { ...clock, pcrSelection: Buffer.concat(parts), pcrDigest };
  });
}

/**
 * Checks that the TPM with this attestation key also holds another key, for this nonce.
 *
 * @param key TPMT_PUBLIC of the key that is said to be there
 * @throws RaypherError `device/identity-mismatch`, which says what is wrong; `request/invalid` for no key at all
 */
export function verifyCertification(
  certification: Attestation,
  attestationKey: Buffer,
  key: Buffer,
  nonce: Buffer,
): void {
  verifyAttestation(certification, attestationKey, nonce, CERTIFY, (reader) => {
    if (!reader.sized().equals(keyName(key))) throw mismatch('it is about another key');
    reader.sized();
    reader.end();
  });
}

/**
 * Checks that a quote is about exactly these PCRs of the SHA-256 bank, and that they have these values.
 *
 * @param values PCR number to value, hex
 * @throws RaypherError `device/identity-mismatch`, which says what is wrong
 */
export function verifyPcrs(
  { pcrSelection, pcrDigest }: Quoted,
  pcrs: readonly number[],
  values: Readonly<Record<string, string>>,
): void {
  const bitmap = Buffer.alloc(3);
  for (const pcr of pcrs) bitmap.writeUInt8(bitmap.readUInt8(pcr >> 3) | (1 << (pcr & 7)), pcr >> 3);
  const selection = Buffer.concat([uint32(1), uint16(SHA256), Buffer.from([bitmap.length]), bitmap]);
  if (!pcrSelection.equals(selection)) throw mismatch('it is about other PCRs');
  const wanted = pcrs.map(String);
  if (Object.keys(values).length !== wanted.length || wanted.some((pcr) => values[pcr] === undefined)) {
    throw mismatch('it comes with values of other PCRs');
  }
  // They are hashed from the lowest number to the highest (Part 3 §18.4).
  const inOrder = pcrs.toSorted((a, b) => a - b).map((pcr) => Buffer.from(values[String(pcr)] ?? '', 'hex'));
  const digest = createHash('sha256').update(Buffer.concat(inOrder)).digest();
  if (!digest.equals(pcrDigest)) throw mismatch('the PCRs have other values');
}

/** @param read the part that only this type of statement has */
function verifyAttestation<T>(
  attestation: Attestation,
  attestationKey: Buffer,
  nonce: Buffer,
  type: number,
  read: (reader: WireReader, clock: Clock) => T,
): T {
  if (attestationKey.length < 8 || attestationKey.readUInt32BE(4) !== ATTESTATION_KEY) {
    throw mismatch('the key that signed it is no attestation key');
  }
  try {
    if (!isSigned(attestation, attestationKey)) throw mismatch('its signature is wrong');
    const reader = new WireReader(attestation.attested);
    if (reader.uint32() !== GENERATED) throw mismatch('a TPM did not make it');
    if (reader.uint16() !== type) throw mismatch('it says something else');
    reader.sized();
    if (!reader.sized().equals(nonce)) throw mismatch('it was not made for this challenge');
    reader.take(8);
    const clock = { resetCount: reader.uint32(), restartCount: reader.uint32() };
    reader.take(1);
    return read(reader, { ...clock, firmwareVersion: reader.take(8).readBigUInt64BE() });
  } catch (error) {
    if (error instanceof RangeError) throw mismatch('it is cut off, or too long', error);
    throw error;
  }
}

function isSigned({ attested, signature }: Attestation, attestationKey: Buffer): boolean {
  const reader = new WireReader(signature);
  if (!reader.take(ECDSA_SHA256.length).equals(ECDSA_SHA256)) return false;
  const numbers = [reader.sized(), reader.sized()];
  reader.end();
  if (numbers.some((number) => number.length > COORDINATE_BYTES)) return false;
  const padded = numbers.map((number) =>
    Buffer.concat([Buffer.alloc(COORDINATE_BYTES - number.length), number]),
  );
  const key = { key: parsePublicKey(attestationKey), dsaEncoding: 'ieee-p1363' } as const;
  return verify('sha256', attested, key, Buffer.concat(padded));
}

function mismatch(why: string, cause?: unknown): RaypherError {
  return new RaypherError('device/identity-mismatch', `The TPM’s statement does not hold: ${why}.`, {
    cause,
  });
}
