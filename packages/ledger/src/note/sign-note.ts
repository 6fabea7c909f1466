import { utf8ToBytes } from '@noble/hashes/utils.js';
import { assertNoteText, formatNote, type NoteSignature, parseNote } from './note.ts';

/** Whoever holds a key: a file, an HSM, a key service. */
export interface NoteSigner {
  readonly name: string;
  /** Four bytes, see `keyHash`. */
  readonly keyHash: Uint8Array;
  /** The signature over these bytes, in the form of the key's type, without the key hash. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/**
 * Signs a text as a note (c2sp.org/signed-note).
 *
 * @throws RaypherError `ledger/malformed` when the text may not be in a note
 */
export async function signNote(text: string, signers: readonly NoteSigner[]): Promise<string> {
  assertNoteText(text);
  const bytes = utf8ToBytes(text);
  const signatures = await Promise.all(
    signers.map(async ({ name, keyHash, sign }) => ({ name, keyHash, signature: await sign(bytes) })),
  );
  return formatNote({ text, signatures });
}

/** Adds signatures, such as those of witnesses, to a note that has some. */
export function addSignatures(note: string, added: readonly NoteSignature[]): string {
  const { text, signatures } = parseNote(note);
  return formatNote({ text, signatures: [...signatures, ...added] });
}
