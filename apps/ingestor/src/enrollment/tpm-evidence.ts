import { createHash } from 'node:crypto';
import { canonicalBytes } from '@raypher/ledger';
import { type ErrorCode, RaypherError } from '@raypher/shared';
import { assertKeyKind, parsePublicKey } from '@raypher/shared/attestation';
import type { TpmEvidence } from '@raypher/shared/rest';

/** What a device showed of its TPM, its keys checked for their kind. Nothing of it is proven yet. */
export interface Evidence {
  /** TPMT_PUBLIC, as are the other two keys. */
  endorsementKey: Buffer;
  /** DER. */
  endorsementCertificate: Buffer | null;
  /** DER, issuers' certificates from the TPM. */
  endorsementChain: Buffer[];
  attestationKey: Buffer;
  deviceKey: Buffer;
  /** SHA-256 of the whole evidence in its RFC 8785 form. */
  digest: Buffer;
}

/** @throws RaypherError `enrolment/attestation-refused` unless the keys are exactly of the three kinds. */
export function readEvidence(tpm: TpmEvidence): Evidence {
  const evidence = {
    endorsementKey: decode(tpm.endorsementKey),
    endorsementCertificate: tpm.endorsementCertificate === null ? null : decode(tpm.endorsementCertificate),
    endorsementChain: tpm.endorsementChain.map(decode),
    attestationKey: decode(tpm.attestationKey),
    deviceKey: decode(tpm.deviceKey),
    digest: createHash('sha256').update(canonicalBytes(tpm)).digest(),
  };
  refusing('enrolment/attestation-refused', () => {
    assertKeyKind(evidence.endorsementKey, 'endorsement');
    assertKeyKind(evidence.attestationKey, 'attestation');
    assertKeyKind(evidence.deviceKey, 'device');
  });
  return evidence;
}

/** SHA-256 of a TPM key's SubjectPublicKeyInfo: the same however its public area is written. */
export function spkiFingerprint(publicArea: Buffer): Buffer {
  return createHash('sha256').update(spkiOf(publicArea)).digest();
}

export function spkiOf(publicArea: Buffer): Buffer {
  return parsePublicKey(publicArea).export({ format: 'der', type: 'spki' });
}

/** Runs a check; what it has to say about a TPM's statement is said with the code of this occasion. */
export function refusing<T>(code: ErrorCode, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof RaypherError)) throw cause;
    throw new RaypherError(code, cause.message, {
      hint: 'Try again; if it stays, the TPM or the program that speaks for it is not what it says.',
      cause,
    });
  }
}

export function decode(text: string): Buffer {
  return Buffer.from(text, 'base64');
}
