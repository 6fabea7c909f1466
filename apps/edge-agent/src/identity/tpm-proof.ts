import { RaypherError } from '@raypher/shared';
import type { Attestation } from '@raypher/shared/attestation';
import {
  EnrolChallenge,
  type EnrolProof,
  type QuoteProof,
  RenewChallenge,
  type SignedStatement,
} from '@raypher/shared/rest';
import type { z } from 'zod';
import type { Attester } from './key-provider.ts';

const NONCE_BYTES = 32;

/**
 * Proves to the control plane that this TPM holds the attestation key, that the attestation key's TPM holds the
 * device key, and in which state the machine is.
 *
 * @param answer what `POST /v1/enroll/challenge` answered
 * @throws RaypherError `link/protocol`, `tpm/cleared` when the challenge is for another TPM, `tpm/…`
 */
export function proveForEnrolment(attester: Attester, answer: unknown): EnrolProof {
  const challenge = parse(EnrolChallenge, answer);
  const { blob, encryptedSeed } = challenge.credential;
  const secret = attester.activate({ blob: decode(blob), encryptedSeed: decode(encryptedSeed) });
  return {
    ...quote(attester, challenge),
    secret: secret.toString('base64'),
    certification: encode(attester.certify(nonceOf(challenge))),
  };
}

/**
 * Proves in which state the machine is now.
 *
 * @param answer what `POST /v1/renew/challenge` answered
 * @throws RaypherError as {@link proveForEnrolment}
 */
export function proveForRenewal(attester: Attester, answer: unknown): QuoteProof {
  return quote(attester, parse(RenewChallenge, answer));
}

function quote(attester: Attester, challenge: RenewChallenge): QuoteProof {
  const { quote: statement, pcrs } = attester.quote(nonceOf(challenge), challenge.pcrs);
  return { challenge: challenge.challenge, quote: encode(statement), pcrs };
}

/** A shorter one could have been used before, by chance or on purpose. */
function nonceOf({ nonce }: RenewChallenge): Buffer {
  const bytes = decode(nonce);
  if (bytes.length === NONCE_BYTES) return bytes;
  throw new RaypherError('link/protocol', `A challenge has ${NONCE_BYTES} bytes, this one ${bytes.length}.`);
}

function parse<T extends z.ZodType>(schema: T, answer: unknown): z.infer<T> {
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  throw new RaypherError('link/protocol', 'The control plane answered something else than a challenge.', {
    hint: 'Check that agent and control plane have matching versions.',
    cause: read.error,
  });
}

function encode({ attested, signature }: Attestation): SignedStatement {
  return { attested: attested.toString('base64'), signature: signature.toString('base64') };
}

function decode(text: string): Buffer {
  return Buffer.from(text, 'base64');
}
