import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import {
  type Attestation,
  keyName,
  makeCredential,
  parsePublicKey,
  sized,
  uint16,
  uint32,
  verifyCertification,
  verifyQuote,
} from '@raypher/shared/attestation';
import {
  type EnrolChallenge,
  EnrolChallengeRequest,
  EnrolProof,
  QuoteProof,
  type RenewChallenge,
  type SignedStatement,
} from '@raypher/shared/rest';

const FIVE_MINUTES_MS = 300_000;
/** The PCRs that firmware, boot loader and secure boot are measured into. */
const PCRS = [0, 1, 2, 3, 4, 5, 6, 7];
const ATTESTATION_KEY = 0x50072;
const DEVICE_KEY = 0x40072;

interface OpenChallenge {
  nonce: Buffer;
  token: string;
  secret: Buffer;
  attestationKey: Buffer;
  deviceKey: Buffer;
}

/** The control plane's half of attestation, as {@link TestControlPlane} needs it: no endorsement trust, no storage. */
export class TestAttestation {
  /** Each works once. */
  readonly #enrolments = new Map<string, OpenChallenge>();
  readonly #renewals = new Map<string, Buffer>();
  #attestationKey: Buffer | undefined;

  /** Whether the device that enrolled last has a TPM, and so must quote when it renews. */
  get isRequired(): boolean {
    return this.#attestationKey !== undefined;
  }

  challenge(body: unknown): EnrolChallenge {
    const { token, tpm } = EnrolChallengeRequest.parse(body);
    const [endorsementKey, attestationKey, deviceKey] = [
      tpm.endorsementKey,
      tpm.attestationKey,
      tpm.deviceKey,
    ].map(decode);
    if (endorsementKey === undefined || attestationKey === undefined || deviceKey === undefined) {
      throw refusal('not three keys');
    }
    if (attestationKey.readUInt32BE(4) !== ATTESTATION_KEY) throw refusal('not an attestation key');
    if (deviceKey.readUInt32BE(4) !== DEVICE_KEY) throw refusal('not a device key');
    const secret = randomBytes(32);
    const challenge = newChallenge();
    this.#enrolments.set(challenge.challenge, {
      nonce: decode(challenge.nonce),
      token,
      secret,
      attestationKey,
      deviceKey,
    });
    const { blob, encryptedSeed } = makeCredential(endorsementKey, keyName(attestationKey), secret);
    return {
      ...challenge,
      credential: { blob: blob.toString('base64'), encryptedSeed: encryptedSeed.toString('base64') },
    };
  }

  /** @param csrKey SubjectPublicKeyInfo of the certificate request */
  verifyEnrolment(proof: unknown, token: string, csrKey: Buffer): void {
    const { challenge, secret, certification, quote, pcrs } = EnrolProof.parse(proof);
    const open = this.#enrolments.get(challenge);
    // Gone, whatever comes of it.
    this.#enrolments.delete(challenge);
    if (open === undefined || open.token !== token) throw unknownChallenge();
    const told = decode(secret);
    if (told.length !== open.secret.length || !timingSafeEqual(told, open.secret)) {
      throw refusal('the secret is wrong');
    }
    verifyCertification(statement(certification), open.attestationKey, open.deviceKey, open.nonce);
    const key = parsePublicKey(open.deviceKey).export({ type: 'spki', format: 'der' });
    if (!key.equals(csrKey)) throw refusal('the request is for another key');
    checkQuote({ challenge, quote, pcrs }, open.attestationKey, open.nonce);
    this.#attestationKey = open.attestationKey;
  }

  /** A device without a TPM took the place. */
  forget(): void {
    this.#attestationKey = undefined;
  }

  renewalChallenge(): RenewChallenge {
    const challenge = newChallenge();
    this.#renewals.set(challenge.challenge, decode(challenge.nonce));
    return challenge;
  }

  verifyRenewal(proof: unknown): void {
    if (this.#attestationKey === undefined) return;
    const read = QuoteProof.safeParse(proof);
    if (!read.success) throw new RaypherError('device/attestation-required', 'A quote is needed.');
    const nonce = this.#renewals.get(read.data.challenge);
    this.#renewals.delete(read.data.challenge);
    if (nonce === undefined) throw unknownChallenge();
    try {
      checkQuote(read.data, this.#attestationKey, nonce);
    } catch (cause) {
      throw new RaypherError('device/attestation-refused', 'The quote does not hold.', { cause });
    }
  }
}

function newChallenge(): RenewChallenge {
  return {
    challenge: randomUUID(),
    nonce: randomBytes(32).toString('base64'),
    pcrs: PCRS,
    expiresAt: new Date(Date.now() + FIVE_MINUTES_MS).toISOString(),
  };
}

function checkQuote({ quote, pcrs }: QuoteProof, attestationKey: Buffer, nonce: Buffer): void {
  const { pcrSelection, pcrDigest } = verifyQuote(statement(quote), attestationKey, nonce);
  if (!pcrSelection.equals(selectionOf(PCRS))) throw refusal('other PCRs were quoted');
  const values = PCRS.map((pcr) => Buffer.from(pcrs[String(pcr)] ?? '', 'hex'));
  const digest = createHash('sha256').update(Buffer.concat(values)).digest();
  if (!digest.equals(pcrDigest)) throw refusal('the PCRs have other values');
}

/** TPML_PCR_SELECTION with the SHA-256 bank alone (TPM 2.0 Part 2 §10.9.7). */
function selectionOf(pcrs: readonly number[]): Buffer {
  const bits = Buffer.alloc(3);
  for (const pcr of pcrs) bits.writeUInt8(bits.readUInt8(pcr >> 3) | (1 << (pcr & 7)), pcr >> 3);
  return Buffer.concat([uint32(1), uint16(0x0b), sized(bits).subarray(1)]);
}

function statement({ attested, signature }: SignedStatement): Attestation {
  return { attested: decode(attested), signature: decode(signature) };
}

function refusal(why: string): RaypherError {
  return new RaypherError('enrolment/attestation-refused', `The TPM did not prove itself: ${why}.`);
}

function unknownChallenge(): RaypherError {
  return new RaypherError('enrolment/challenge-unknown', 'This challenge was not made here, or is used up.');
}

function decode(text: string): Buffer {
  return Buffer.from(text, 'base64');
}
