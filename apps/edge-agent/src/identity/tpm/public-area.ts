import { createHash } from 'node:crypto';
import { sized, uint16, uint32 } from '@raypher/shared/attestation';

/** TPM_ALG_ID (TPM 2.0 Part 2 §6.3). */
const ALG = {
  rsa: 0x0001,
  aes: 0x0006,
  keyedHash: 0x0008,
  sha256: 0x000b,
  null: 0x0010,
  ecc: 0x0023,
  ecdsa: 0x0018,
  cfb: 0x0043,
} as const;
const P256 = 0x0003;

/** TPMA_OBJECT bits (TPM 2.0 Part 2 §8.3). */
const FIXED_TPM = 0x2;
const FIXED_PARENT = 0x10;
const SENSITIVE_DATA_ORIGIN = 0x20;
const USER_WITH_AUTH = 0x40;
const ADMIN_WITH_POLICY = 0x80;
/** Wrong passwords for other objects do not lock it: it has none. */
const NO_DA = 0x400;
const RESTRICTED = 0x10000;
const DECRYPT = 0x20000;
const SIGN = 0x40000;

export type KeyAlgorithm = 'rsa2048' | 'ecc-p256';

/** PolicySecret(TPM_RH_ENDORSEMENT): whoever may use the endorsement hierarchy may use the key (EK profile §B.2). */
const ENDORSEMENT_POLICY = Buffer.from(
  '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa',
  'hex',
);

const EK_HEAD = Buffer.concat([
  uint16(ALG.sha256),
  uint32(FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | ADMIN_WITH_POLICY | RESTRICTED | DECRYPT),
  sized(ENDORSEMENT_POLICY),
  // AES-128-CFB protects children; no signing or encryption scheme.
  uint16(ALG.aes),
  uint16(128),
  uint16(ALG.cfb),
  uint16(ALG.null),
]);

/** Everything of an endorsement key's TPMT_PUBLIC but the key itself. */
const EK_PREFIX: Readonly<Record<KeyAlgorithm, Buffer>> = {
  // 2048 bits; exponent 0 stands for 65537.
  rsa2048: Buffer.concat([uint16(ALG.rsa), EK_HEAD, uint16(2048), uint32(0)]),
  // No key derivation scheme.
  'ecc-p256': Buffer.concat([uint16(ALG.ecc), EK_HEAD, uint16(P256), uint16(ALG.null)]),
};

/**
 * The default templates L-1 and L-2 of the TCG EK Credential Profile for TPM Family 2.0 (2.5, §B.3.3 and §B.3.4), as
 * TPMT_PUBLIC. Their zeros count: they are part of what the key is derived from.
 */
export const EK_TEMPLATES: Readonly<Record<KeyAlgorithm, Buffer>> = {
  rsa2048: Buffer.concat([EK_PREFIX.rsa2048, sized(Buffer.alloc(256))]),
  'ecc-p256': Buffer.concat([EK_PREFIX['ecc-p256'], sized(Buffer.alloc(32)), sized(Buffer.alloc(32))]),
};

/** Whether a public area is of the kind the profile's default template makes, whatever its key. */
export function isEndorsementKey(publicArea: Buffer, algorithm: KeyAlgorithm): boolean {
  const prefix = EK_PREFIX[algorithm];
  return publicArea.subarray(0, prefix.length).equals(prefix);
}

/** SHA-256 over a key's public area (TPMT_PUBLIC), lower-case hex: the TPM's own name for it (Part 1 §16). */
export function fingerprint(publicArea: Buffer): string {
  return createHash('sha256').update(publicArea).digest('hex');
}

/** Random bytes that tell one signing key of a TPM from another. */
export const UNIQUE_BYTES = 32;

/**
 * A key that signs what the TPM itself says, and nothing that merely looks like it (restricted; Part 1 §25.3): ECDSA
 * with P-256 and SHA-256.
 *
 * @param unique part of what the key is derived from, {@link UNIQUE_BYTES} long
 */
export function attestationTemplate(unique: Buffer): Buffer {
  return signingTemplate(unique, RESTRICTED);
}

/**
 * A key that signs what it is given, such as TLS handshakes: ECDSA with P-256 and SHA-256.
 *
 * @param unique as for {@link attestationTemplate}
 */
export function deviceKeyTemplate(unique: Buffer): Buffer {
  return signingTemplate(unique, 0);
}

function signingTemplate(unique: Buffer, restricted: number): Buffer {
  return Buffer.concat([
    uint16(ALG.ecc),
    uint16(ALG.sha256),
    uint32(FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | USER_WITH_AUTH | SIGN | restricted),
    sized(Buffer.alloc(0)),
    uint16(ALG.null),
    uint16(ALG.ecdsa),
    uint16(ALG.sha256),
    uint16(P256),
    uint16(ALG.null),
    sized(unique),
    sized(Buffer.alloc(0)),
  ]);
}

/**
 * The template of the TCG TPM v2.0 Provisioning Guidance (§7.5.1) for the storage root key, P-256, as TPMT_PUBLIC:
 * restricted decryption, no policy, AES-128-CFB for children.
 */
export const STORAGE_TEMPLATE = Buffer.concat([
  uint16(ALG.ecc),
  uint16(ALG.sha256),
  uint32(FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | USER_WITH_AUTH | NO_DA | RESTRICTED | DECRYPT),
  sized(Buffer.alloc(0)),
  uint16(ALG.aes),
  uint16(128),
  uint16(ALG.cfb),
  uint16(ALG.null),
  uint16(P256),
  uint16(ALG.null),
  sized(Buffer.alloc(32)),
  sized(Buffer.alloc(32)),
]);

/**
 * Data under a storage key that never leaves this TPM and is given out to whoever fulfils the policy: there is no
 * password that would do instead.
 */
export function sealedTemplate(policy: Buffer): Buffer {
  return Buffer.concat([
    uint16(ALG.keyedHash),
    uint16(ALG.sha256),
    uint32(FIXED_TPM | FIXED_PARENT | NO_DA),
    sized(policy),
    uint16(ALG.null),
    sized(Buffer.alloc(0)),
  ]);
}
