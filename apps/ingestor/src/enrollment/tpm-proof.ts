import { createHash, timingSafeEqual } from 'node:crypto';
import { type ErrorCode, RaypherError } from '@raypher/shared';
import { type Quoted, verifyCertification, verifyPcrs, verifyQuote } from '@raypher/shared/attestation';
import type { EnrolProof, PcrValues, QuoteProof, SignedStatement } from '@raypher/shared/rest';
import type { EnrolmentChallenge, TakenChallenge } from './challenges.service.ts';
import { decode, refusing, spkiOf } from './tpm-evidence.ts';

/** The state of a machine that its TPM has vouched for. */
export interface ProvenState {
  pcrs: PcrValues;
  resetCount: number;
  restartCount: number;
  /** Four numbers of 16 bits, as makers write them: "7.85.4555.0". */
  firmware: string;
}

/**
 * Checks, in this order: the secret (this AK lives in the TPM with this EK), the certification (so does the device
 * key), the request (it is for that key), the quote (the machine's state, now).
 *
 * @param csrKey SubjectPublicKeyInfo of the certificate request
 * @throws RaypherError `enrolment/attestation-refused`, which says what does not hold
 */
export function checkEnrolment(
  challenge: EnrolmentChallenge,
  proof: EnrolProof,
  csrKey: Buffer,
): ProvenState {
  const { evidence, nonce } = challenge;
  const told = createHash('sha256').update(decode(proof.secret)).digest();
  if (!timingSafeEqual(told, challenge.secretHash)) {
    throw refused('The secret is not the one that the credential held.');
  }
  refusing('enrolment/attestation-refused', () =>
    verifyCertification(statement(proof.certification), evidence.attestationKey, evidence.deviceKey, nonce),
  );
  if (!spkiOf(evidence.deviceKey).equals(csrKey)) {
    throw refused('The certificate request is for another key than the one in the TPM.');
  }
  return checkQuote(challenge, evidence.attestationKey, proof, 'enrolment/attestation-refused');
}

/**
 * @param attestationKey TPMT_PUBLIC, proven at enrolment
 * @param code of what is thrown when the quote does not hold
 */
export function checkQuote(
  { nonce, pcrs }: TakenChallenge,
  attestationKey: Buffer,
  proof: QuoteProof,
  code: ErrorCode,
): ProvenState {
  const quoted: Quoted = refusing(code, () => {
    const quote = verifyQuote(statement(proof.quote), attestationKey, nonce);
    verifyPcrs(quote, pcrs, proof.pcrs);
    return quote;
  });
  return {
    pcrs: proof.pcrs,
    resetCount: quoted.resetCount,
    restartCount: quoted.restartCount,
    firmware: [48n, 32n, 16n, 0n].map((shift) => (quoted.firmwareVersion >> shift) & 0xffffn).join('.'),
  };
}

function statement({ attested, signature }: SignedStatement) {
  return { attested: decode(attested), signature: decode(signature) };
}

function refused(sentence: string): RaypherError {
  return new RaypherError('enrolment/attestation-refused', sentence, {
    hint: 'Ask for a new challenge and answer it with the TPM that it was made for.',
  });
}
