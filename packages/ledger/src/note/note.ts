import { concatBytes } from '@noble/hashes/utils.js';
import { RaypherError } from '@raypher/shared/errors';
import { fromBase64, toBase64 } from './base64.ts';
import { isKeyName } from './key-name.ts';

/** A note has at most so many (c2sp.org/signed-note: at least 16 must be accepted). */
export const MAX_SIGNATURES = 16;
const KEY_HASH_BYTES = 4;

export interface NoteSignature {
  readonly name: string;
  /** Four bytes. */
  readonly keyHash: Uint8Array;
  /** What follows the key hash; its form depends on the key's type. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** Ends in a newline. To be ignored until a signature of a trusted key is verified. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/**
 * Takes a signed note apart (c2sp.org/signed-note). Nothing is verified.
 *
 * @throws RaypherError `ledger/malformed`
 */
export function parseNote(note: string): Note {
  assertNoteText(note);
  // The last empty line ends the text.
  const cut = note.lastIndexOf('\n\n');
  if (cut < 0) throw malformed('There is no empty line between its text and its signatures.');
  const lines = note.slice(cut + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw malformed(`It has more than ${MAX_SIGNATURES} signatures.`);
  return { text: note.slice(0, cut + 1), signatures: lines.map(parseSignatureLine) };
}

/** Writes a note: what `parseNote` reads. */
export function formatNote({ text, signatures }: Note): string {
  assertNoteText(text);
  if (signatures.length === 0) throw malformed('It has no signature.');
  if (signatures.length > MAX_SIGNATURES) throw malformed(`It has more than ${MAX_SIGNATURES} signatures.`);
  return `${text}\n${signatures.map(formatSignatureLine).join('')}`;
}

/** `— NAME BASE64` with its newline: what witnesses answer with (c2sp.org/tlog-witness). */
export function formatSignatureLine({ name, keyHash, signature }: NoteSignature): string {
  if (!isKeyName(name)) throw malformed('The name of a key is empty, or has spaces or a plus in it.');
  return `— ${name} ${toBase64(concatBytes(keyHash, signature))}\n`;
}

/**
 * Reads one signature line, without its newline.
 *
 * @throws RaypherError `ledger/malformed`
 */
export function parseSignatureLine(line: string): NoteSignature {
  const [, name, base64] = /^— ([^ ]+) ([^ ]+)$/u.exec(line) ?? [];
  const bytes = base64 === undefined ? undefined : fromBase64(base64);
  if (name === undefined || !isKeyName(name) || bytes === undefined || bytes.length <= KEY_HASH_BYTES) {
    throw malformed('A line after its text is not a signature.');
  }
  return { name, keyHash: bytes.slice(0, KEY_HASH_BYTES), signature: bytes.slice(KEY_HASH_BYTES) };
}

/** @throws RaypherError `ledger/malformed` for what may not be in a note: control characters, or no newline at its end */
export function assertNoteText(text: string): void {
  if (!text.endsWith('\n')) throw malformed('It does not end in a newline.');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a note may not have
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw malformed('It has control characters in it.');
  if (!text.isWellFormed()) throw malformed('It has no UTF-8 form.');
}

function malformed(why: string): RaypherError {
  return new RaypherError('ledger/malformed', `This signed note cannot be read. ${why}`);
}
