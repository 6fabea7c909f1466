import { type Attestation, sized, uint16, uint32 } from '@raypher/shared/attestation';
import { EMPTY_PASSWORD, NONE, PASSWORD, type Tpm, type TpmHandle } from './tss2.ts';

/** TPM_ALG_NULL as TPMT_SIG_SCHEME: the key has its own. */
const NO_SCHEME = Buffer.from('0010', 'hex');
const SIGNED = ['TPM2B_ATTEST', 'TPMT_SIGNATURE'] as const;
/** TPMT_TK_HASHCHECK without a ticket: TPM_ST_HASHCHECK, TPM_RH_NULL (TPM 2.0 Part 2 §10.6.6). */
const NO_TICKET = Buffer.concat([uint16(0x8024), uint32(0x40000007), uint16(0)]);

/**
 * Signs a digest with a key that is not restricted (Part 3 §20.2).
 *
 * @param digest as long as the key's hash
 * @returns TPMT_SIGNATURE
 */
export function signDigest(tpm: Tpm, key: TpmHandle, digest: Buffer): Buffer {
  const parameters = [
    ...[key.tr, ...EMPTY_PASSWORD],
    tpm.toC('TPM2B_DIGEST', sized(digest)),
    tpm.toC('TPMT_SIG_SCHEME', NO_SCHEME),
    tpm.toC('TPMT_TK_HASHCHECK', NO_TICKET),
  ];
  const [signature] = tpm.call('Sign', 'sign', parameters, ['TPMT_SIGNATURE']);
  return signature;
}

/**
 * Has the TPM sign the state of this machine, with its reset counters (Part 3 §18.4).
 *
 * @param nonce at most 32 bytes
 * @param pcrs TPML_PCR_SELECTION
 */
export function quote(tpm: Tpm, key: TpmHandle, nonce: Buffer, pcrs: Buffer): Attestation {
  const selection = tpm.toC('TPML_PCR_SELECTION', pcrs);
  const parameters = [key.tr, ...EMPTY_PASSWORD, ...signing(tpm, nonce), selection];
  const [attested, signature] = tpm.call('Quote', 'sign its state', parameters, SIGNED);
  return { attested: attested.subarray(2), signature };
}

/** Has the TPM sign that it holds a key (Part 3 §18.2). @param nonce at most 32 bytes */
export function certify(tpm: Tpm, object: TpmHandle, key: TpmHandle, nonce: Buffer): Attestation {
  const parameters = [object.tr, key.tr, PASSWORD, PASSWORD, NONE, ...signing(tpm, nonce)];
  const [attested, signature] = tpm.call('Certify', 'certify a key', parameters, SIGNED);
  return { attested: attested.subarray(2), signature };
}

/**
 * Opens what was encrypted for this TPM and this key (Part 3 §12.5).
 *
 * @param keys with a session that fulfils the endorsement key's policy
 * @param blob TPM2B_ID_OBJECT
 * @param encryptedSeed TPM2B_ENCRYPTED_SECRET
 */
export function openCredential(
  tpm: Tpm,
  keys: { attestation: TpmHandle; endorsement: TpmHandle; policy: TpmHandle },
  blob: Buffer,
  encryptedSeed: Buffer,
): Buffer {
  const [secret] = tpm.call(
    'ActivateCredential',
    'open a credential',
    [
      ...[keys.attestation.tr, keys.endorsement.tr, PASSWORD, keys.policy.tr, NONE],
      tpm.toC('TPM2B_ID_OBJECT', blob),
      tpm.toC('TPM2B_ENCRYPTED_SECRET', encryptedSeed),
    ],
    ['TPM2B_DIGEST'],
  );
  return secret.subarray(2);
}

/** A nonce, and no scheme: the key has its own. */
function signing(tpm: Tpm, nonce: Buffer): [Buffer, Buffer] {
  return [tpm.toC('TPM2B_DATA', sized(nonce)), tpm.toC('TPMT_SIG_SCHEME', NO_SCHEME)];
}
