import { existsSync, readFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';
import { writePrivateFile } from '../private-file.ts';
import { fingerprint, type KeyAlgorithm, UNIQUE_BYTES } from './public-area.ts';

/** What an identity in a TPM is derived from, and what must come out. Nothing in it is secret. */
export interface TpmIdentity {
  endorsementKey: {
    algorithm: KeyAlgorithm;
    /** TPMT_PUBLIC, as are the other keys. */
    publicArea: Buffer;
    fingerprint: string;
  };
  unique: Buffer;
  attestationKey: Buffer;
  deviceKey: Buffer;
}

const bytes = z
  .base64()
  .min(4)
  .max(1024)
  .transform((text) => Buffer.from(text, 'base64'));

const TpmIdentityFile = z.strictObject({
  version: z.literal(1),
  endorsementKey: z
    .strictObject({
      algorithm: z.enum(['rsa2048', 'ecc-p256']),
      publicArea: bytes,
      fingerprint: z.string(),
    })
    .refine(
      (key) => fingerprint(key.publicArea) === key.fingerprint,
      'is not the fingerprint of its public area',
    ),
  unique: bytes.refine((unique) => unique.length === UNIQUE_BYTES, `is not ${UNIQUE_BYTES} bytes long`),
  attestationKey: bytes,
  deviceKey: bytes,
});

/** @throws RaypherError `store/corrupt` */
export function readTpmIdentity(path: string): TpmIdentity {
  const parsed = TpmIdentityFile.safeParse(parseJson(readFileSync(path, 'utf8')));
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues[0];
  const where = problem?.path.join('.') || 'it';
  throw new RaypherError(
    'store/corrupt',
    `${path} does not describe an identity: ${where} ${problem?.message}.`,
    {
      hint: 'Restore it from a backup, or enrol again with `raypher enroll --replace` and a fresh token.',
      cause: parsed.error,
    },
  );
}

/** @throws RaypherError `enrolment/already-enrolled` rather than forget another identity */
export function writeTpmIdentity(path: string, identity: TpmIdentity): void {
  if (existsSync(path)) {
    throw new RaypherError('enrolment/already-enrolled', `${path} holds an identity already.`, {
      hint: 'Replace it with `raypher enroll --replace` and a fresh token.',
    });
  }
  const content = {
    version: 1,
    endorsementKey: {
      ...identity.endorsementKey,
      publicArea: identity.endorsementKey.publicArea.toString('base64'),
    },
    unique: identity.unique.toString('base64'),
    attestationKey: identity.attestationKey.toString('base64'),
    deviceKey: identity.deviceKey.toString('base64'),
  };
  writePrivateFile(path, `${JSON.stringify(content, null, 2)}\n`);
}

/** Enough of a fingerprint for people to tell two TPMs apart. */
export function shortFingerprint(whole: string): string {
  return `${whole.slice(0, 16)}…`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
