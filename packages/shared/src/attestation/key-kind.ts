import { RaypherError } from '../errors.ts';
import { parsePublicKey } from './public-key.ts';
import { sized, uint16, uint32 } from './wire.ts';

/** What a key of a TPM is for, which its attributes decide for good when it is made. */
export type KeyKind = 'endorsement' | 'attestation' | 'device';

/** TPM_ALG_ID (TPM 2.0 Part 2 §6.3). */
const RSA = uint16(0x0001);
const SHA256 = uint16(0x000b);
const NULL = uint16(0x0010);
const ECC = uint16(0x0023);
const P256 = uint16(0x0003);
const AES_128_CFB = Buffer.concat([uint16(0x0006), uint16(128), uint16(0x0043)]);
const ECDSA_SHA256 = Buffer.concat([uint16(0x0018), SHA256]);
const NO_POLICY = sized(Buffer.alloc(0));
/** PolicySecret(TPM_RH_ENDORSEMENT), see TCG EK Credential Profile 2.5 §B.2. */
const ENDORSEMENT_POLICY = sized(
  Buffer.from('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa', 'hex'),
);

/**
 * TPMA_OBJECT (Part 2 §8.3). All three: fixedTPM, fixedParent, sensitiveDataOrigin. Endorsement: adminWithPolicy,
 * restricted, decrypt. Attestation: userWithAuth, restricted, sign. Device: userWithAuth, sign.
 */
const ENDORSEMENT = uint32(0x300b2);
const ATTESTATION = uint32(0x50072);
const DEVICE = uint32(0x40072);

const ENDORSEMENT_HEAD = Buffer.concat([SHA256, ENDORSEMENT, ENDORSEMENT_POLICY, AES_128_CFB, NULL]);

/** Everything of a TPMT_PUBLIC but the key itself. */
const HEADS: Readonly<Record<KeyKind, readonly Buffer[]>> = {
  // The profile's default templates L-1 (RSA 2048) and L-2 (P-256), §B.3.3 and §B.3.4.
  endorsement: [
    Buffer.concat([RSA, ENDORSEMENT_HEAD, uint16(2048), uint32(0)]),
    Buffer.concat([ECC, ENDORSEMENT_HEAD, P256, NULL]),
  ],
  attestation: [Buffer.concat([ECC, SHA256, ATTESTATION, NO_POLICY, NULL, ECDSA_SHA256, P256, NULL])],
  device: [Buffer.concat([ECC, SHA256, DEVICE, NO_POLICY, NULL, ECDSA_SHA256, P256, NULL])],
};

/**
 * Checks that a key is exactly of this kind: its type, attributes, policy, scheme and curve. A key that could leave its
 * TPM, or an attestation key that signs what it is given, would make every statement about it worthless.
 *
 * @param publicArea TPMT_PUBLIC
 * @throws RaypherError `request/invalid`
 */
export function assertKeyKind(publicArea: Buffer, kind: KeyKind): void {
  if (!HEADS[kind].some((head) => publicArea.subarray(0, head.length).equals(head))) {
    throw new RaypherError(
      'request/invalid',
      `This is no ${kind} key: type, attributes or scheme are others.`,
    );
  }
  parsePublicKey(publicArea);
}
