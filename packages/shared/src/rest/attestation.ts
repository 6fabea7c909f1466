import { z } from 'zod';
import { Timestamp } from './common.ts';

/** At most this many bytes, in base64 (RFC 4648 §4). */
function bytes(most: number) {
  return z
    .base64()
    .min(4)
    .max(Math.ceil(most / 3) * 4);
}

/** What a TPM statement is made of: TPMS_ATTEST and TPMT_SIGNATURE. */
export const SignedStatement = z.strictObject({ attested: bytes(1024), signature: bytes(512) });
export type SignedStatement = z.infer<typeof SignedStatement>;

/** What a device shows of its TPM before it is challenged. Public areas are TPMT_PUBLIC. */
export const TpmEvidence = z.strictObject({
  endorsementKey: bytes(1024),
  /** DER; null when the TPM has none. */
  endorsementCertificate: bytes(4096).nullable(),
  /** Issuers' certificates kept in the TPM, DER. */
  endorsementChain: z.array(bytes(4096)).max(8),
  attestationKey: bytes(512),
  deviceKey: bytes(512),
});
export type TpmEvidence = z.infer<typeof TpmEvidence>;

/** PCR number to SHA-256 value (hex), exactly the ones that were asked for. */
export const PcrValues = z.record(
  z.string().regex(/^(?:[0-9]|1[0-9]|2[0-3])$/),
  z.string().regex(/^[0-9a-f]{64}$/),
);
export type PcrValues = z.infer<typeof PcrValues>;

/** POST /v1/enroll/challenge, over TLS, authenticated by the token. */
export const EnrolChallengeRequest = z.strictObject({ token: z.string().max(300), tpm: TpmEvidence });
export type EnrolChallengeRequest = z.infer<typeof EnrolChallengeRequest>;

/** Works once, until `expiresAt`. */
export const RenewChallenge = z.object({
  challenge: z.uuid(),
  /** 32 bytes, base64: the qualifying data of every statement made for this challenge. */
  nonce: bytes(32),
  /** PCRs of the SHA-256 bank to quote. */
  pcrs: z.array(z.number().int().min(0).max(23)).min(1).max(24),
  expiresAt: Timestamp,
});
export type RenewChallenge = z.infer<typeof RenewChallenge>;

export const EnrolChallenge = RenewChallenge.extend({
  /** TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET: only this TPM opens it, and only while it holds this AK. */
  credential: z.object({ blob: bytes(256), encryptedSeed: bytes(512) }),
});
export type EnrolChallenge = z.infer<typeof EnrolChallenge>;

/** A fresh statement about the machine's state, at enrolment and at every renewal. */
export const QuoteProof = z.strictObject({ challenge: z.uuid(), quote: SignedStatement, pcrs: PcrValues });
export type QuoteProof = z.infer<typeof QuoteProof>;

/** The answer to {@link EnrolChallenge}. */
export const EnrolProof = QuoteProof.extend({
  /** What the credential held. */
  secret: bytes(32),
  /** The device key, certified by the attestation key over the nonce. */
  certification: SignedStatement,
});
export type EnrolProof = z.infer<typeof EnrolProof>;

/**
 * `hardware`: a chip, its certificate leads to a pinned maker. `virtual`: a hypervisor's or a program's TPM whose
 * certificate leads to a pinned root of that kind. `unverified`: a TPM nobody vouches for. `software`: no TPM.
 */
export const IdentityClass = z.enum(['hardware', 'virtual', 'unverified', 'software']);
export type IdentityClass = z.infer<typeof IdentityClass>;

/** What happens to a device of a class at enrolment. `approve`: it waits for an administrator. */
export const AdmissionRule = z.enum(['admit', 'approve', 'refuse']);
export type AdmissionRule = z.infer<typeof AdmissionRule>;

/** GET and PUT /v1/settings/identity. */
export const IdentitySettings = z.object({
  admission: z.record(IdentityClass, AdmissionRule),
  updatedAt: Timestamp.nullable(),
  updatedBy: z.string().nullable(),
});
export type IdentitySettings = z.infer<typeof IdentitySettings>;
export const UpdateIdentitySettings = z.strictObject({
  admission: z.record(IdentityClass, AdmissionRule),
  reason: z.string().trim().min(1).max(1000),
});
export type UpdateIdentitySettings = z.infer<typeof UpdateIdentitySettings>;

/** GET /v1/settings/tpm-roots: the pinned set. Built-in ones can be distrusted, own ones added and removed. */
export const TpmRoot = z.object({
  /** SHA-256 of the certificate (DER), hex. */
  fingerprint: z.string(),
  subject: z.string(),
  manufacturer: z.string(),
  kind: z.enum(['hardware', 'virtual']),
  notAfter: Timestamp,
  origin: z.enum(['built-in', 'organisation']),
  trusted: z.boolean(),
  /** Devices of this organisation whose certificates lead to it. */
  devices: z.number().int(),
});
export type TpmRoot = z.infer<typeof TpmRoot>;
export const AddTpmRoot = z.strictObject({
  /** PEM, one certificate. */
  certificate: z.string().max(16_000),
  manufacturer: z.string().trim().min(1).max(100),
  kind: z.enum(['hardware', 'virtual']),
  reason: z.string().trim().min(1).max(1000),
});
export type AddTpmRoot = z.infer<typeof AddTpmRoot>;
/** PATCH /v1/settings/tpm-roots/{fingerprint}. An own root that is distrusted is removed. */
export const TrustTpmRoot = z.strictObject({
  trusted: z.boolean(),
  reason: z.string().trim().min(1).max(1000),
});
export type TrustTpmRoot = z.infer<typeof TrustTpmRoot>;

/** Part of a device's page; null in {@link DeviceDetail} for software identities. */
export const DeviceTpm = z.object({
  algorithm: z.string(),
  /** SHA-256 of the endorsement key's public area, hex: stable for the life of the TPM. */
  endorsementFingerprint: z.string(),
  attestationKeyName: z.string(),
  /** Leaf first; empty when the TPM has no certificate. */
  chain: z.array(
    z.object({
      subject: z.string(),
      issuer: z.string(),
      notAfter: Timestamp,
      fingerprint: z.string(),
    }),
  ),
  /** The pinned root that the chain leads to; null: none. */
  root: z
    .object({ fingerprint: z.string(), manufacturer: z.string(), kind: z.enum(['hardware', 'virtual']) })
    .nullable(),
  pcrs: PcrValues,
  quotedAt: Timestamp,
  resetCount: z.number().int(),
  restartCount: z.number().int(),
  firmwareVersion: z.string(),
});
export type DeviceTpm = z.infer<typeof DeviceTpm>;

export const IdentityEvent = z.object({
  at: Timestamp,
  kind: z.enum([
    'enrolled',
    'approved',
    'paused',
    'resumed',
    'revoked',
    'left',
    'pcrs-changed',
    'rebooted',
    'cloned',
    'vault-key-changed',
  ]),
  /** A sentence. */
  detail: z.string(),
  /** A person, a token, or empty for the control plane itself. */
  by: z.string(),
});
export type IdentityEvent = z.infer<typeof IdentityEvent>;
