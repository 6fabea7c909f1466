import { RaypherError } from '@raypher/shared/errors';
import { HASH_BYTES } from '../merkle/hash.ts';
import { assertTreeSize } from '../merkle/tree-size.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { assertNoteText } from './note.ts';

/** The head of a log (c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  /** Names the log. */
  origin: string;
  /** Entries in it. */
  size: number;
  /** 32 bytes. */
  root: Uint8Array;
  /** Lines after these three; we write none. */
  extensions: readonly string[];
}

/**
 * The text of a checkpoint, which is then signed as a note.
 *
 * @throws RaypherError `ledger/malformed` when it would not read back as this
 */
export function formatCheckpoint({
  origin,
  size,
  root,
  extensions = [],
}: Omit<Checkpoint, 'extensions'> & Partial<Pick<Checkpoint, 'extensions'>>): string {
  assertTreeSize(size);
  if (root.length !== HASH_BYTES) throw new RangeError('A root has 32 bytes.');
  if ([origin, ...extensions].some((line) => line === '' || line.includes('\n'))) {
    throw malformed('A line of it is empty, or has a newline in it.');
  }
  const text = `${[origin, size, toBase64(root), ...extensions].join('\n')}\n`;
  assertNoteText(text);
  return text;
}

/**
 * Reads the text of a checkpoint: what a note has before its signatures.
 *
 * @throws RaypherError `ledger/malformed`
 */
export function parseCheckpoint(text: string): Checkpoint {
  assertNoteText(text);
  const [origin = '', size = '', root = '', ...extensions] = text.slice(0, -1).split('\n');
  const hash = fromBase64(root);
  if (origin === '') throw malformed('Its first line, the origin, is empty.');
  if (!/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw malformed('Its second line is not a size.');
  }
  if (hash?.length !== HASH_BYTES) throw malformed('Its third line is not a root hash.');
  if (extensions.includes('')) throw malformed('An extension line is empty.');
  return { origin, size: Number(size), root: hash, extensions };
}

function malformed(why: string): RaypherError {
  return new RaypherError('ledger/malformed', `This checkpoint cannot be read. ${why}`);
}
