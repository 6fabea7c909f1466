import { RaypherError } from '@raypher/shared/errors';
import { HASH_BYTES } from '../merkle/hash.ts';
import { assertTreeSize } from '../merkle/tree-size.ts';
import { fromBase64, toBase64 } from './base64.ts';

/** What shows without the log that an entry is in it (c2sp.org/tlog-proof). */
export interface TlogProof {
  /** Of the entry. */
  index: number;
  /** Inclusion proof in the checkpoint's tree. */
  hashes: readonly Uint8Array[];
  /** The signed checkpoint, as it was issued. */
  checkpoint: string;
  /** Not covered by any signature. */
  extra?: Uint8Array;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
/** A proof in a log of 2^63 entries has 63 hashes. */
const MAX_HASHES = 63;

/** Writes a `.tlog-proof` file. */
export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  assertTreeSize(index, 'index');
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${toBase64(extra)}`]),
    `index ${index}`,
    ...hashes.map(toBase64),
  ];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/**
 * Reads a `.tlog-proof` file. Nothing is verified: that is for `verifyNote` and `verifyInclusion`.
 *
 * @throws RaypherError `ledger/malformed`
 */
export function parseTlogProof(text: string): TlogProof {
  const cut = text.indexOf('\n\n');
  if (cut < 0) throw malformed('There is no empty line before its checkpoint.');
  const [header, ...lines] = text.slice(0, cut).split('\n');
  const checkpoint = text.slice(cut + 2);
  if (header !== HEADER) throw malformed(`It does not begin with ${HEADER}.`);
  const extra = lines[0]?.startsWith('extra ') ? decoded(lines.shift()?.slice(6), 'extra data') : undefined;
  const [, index] = /^index (0|[1-9]\d*)$/.exec(lines.shift() ?? '') ?? [];
  if (index === undefined || !Number.isSafeInteger(Number(index))) throw malformed('It has no index.');
  if (lines.length > MAX_HASHES) throw malformed('It has more hashes than any tree is high.');
  const hashes = lines.map((line) => decoded(line, 'a hash'));
  if (hashes.some(({ length }) => length !== HASH_BYTES)) throw malformed('A hash does not have 32 bytes.');
  if (checkpoint === '') throw malformed('It has no checkpoint.');
  return { index: Number(index), hashes, checkpoint, ...(extra === undefined ? {} : { extra }) };
}

function decoded(base64: string | undefined, what: string): Uint8Array {
  const bytes = fromBase64(base64 ?? '');
  if (bytes === undefined) throw malformed(`What should be ${what} is not base64.`);
  return bytes;
}

function malformed(why: string): RaypherError {
  return new RaypherError('ledger/malformed', `This proof cannot be read. ${why}`);
}
