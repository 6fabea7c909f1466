import { utf8ToBytes } from '@noble/hashes/utils.js';
import { RaypherError } from '@raypher/shared/errors';
import { portablePrimitives } from '../primitives/portable-primitives.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { type NoteSignature, parseNote } from './note.ts';
import { cosignedBytes, decodeCosignature, treeHeadOf } from './signed-bytes.ts';
import { isSameKey, type VerifierKey } from './verifier-key.ts';

export interface SignedBy {
  readonly key: VerifierKey;
  /** When a witness signed, in seconds since 1970; other signatures have no time. */
  readonly time?: number;
}

export interface VerifiedNote {
  /** What was signed. */
  readonly text: string;
  /** Whose signatures are on it, at least one. */
  readonly signedBy: readonly SignedBy[];
}

/**
 * Verifies a signed note. Signatures of keys that are not given are ignored, as c2sp.org/signed-note wants it.
 *
 * @throws RaypherError `ledger/malformed` when it is no note; `ledger/signature-invalid` when none of the keys signed
 *   it, or a signature that says it is of one of them is not
 */
export function verifyNote(
  note: string,
  verifiers: readonly VerifierKey[],
  primitives: Primitives = portablePrimitives,
): VerifiedNote {
  const { text, signatures } = parseNote(note);
  const signedBy: SignedBy[] = [];
  for (const signature of signatures) {
    for (const key of verifiers.filter((one) => isSameKey(one, signature))) {
      const valid = verifySignature(text, signature, key, primitives);
      if (valid === undefined) {
        throw new RaypherError(
          'ledger/signature-invalid',
          `The signature of ${key.name} is not over this note.`,
          {
            details: { key: key.name },
          },
        );
      }
      if (!signedBy.some((one) => isSameKey(one.key, key))) signedBy.push({ key, ...valid });
    }
  }
  if (signedBy.length === 0) {
    throw new RaypherError('ledger/signature-invalid', 'None of the expected keys signed this note.', {
      details: { expected: verifiers.map(({ name }) => name) },
    });
  }
  return { text, signedBy };
}

/** What a valid signature says beyond the text; undefined when it is not valid. */
function verifySignature(
  text: string,
  { signature }: NoteSignature,
  { type, publicKey }: VerifierKey,
  { verifyEd25519, verifyP256 }: Primitives,
): { time?: number } | undefined {
  switch (type) {
    case 'ed25519':
      return verifyEd25519(publicKey, utf8ToBytes(text), signature) ? {} : undefined;
    case 'ecdsa':
      return verifyP256(publicKey, utf8ToBytes(text), signature) ? {} : undefined;
    case 'cosignature': {
      const parts = decodeCosignature(signature);
      if (parts === undefined) return undefined;
      const { time } = parts;
      return verifyEd25519(publicKey, cosignedBytes(time, text), parts.signature) ? { time } : undefined;
    }
    case 'tree-head': {
      const parts = treeHeadOf(text, signature);
      return parts !== undefined && verifyP256(publicKey, parts.message, parts.signature) ? {} : undefined;
    }
  }
}
