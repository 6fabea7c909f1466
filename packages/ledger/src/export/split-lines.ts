import { RaypherError } from '@raypher/shared/errors';
import { MAX_LINE_BYTES } from './format.ts';

const NEWLINE = 0x0a;

/**
 * The lines of a file that comes in pieces, without their newlines. The last one needs its newline, too: a file that
 * was cut off shall not pass for a whole one.
 *
 * @throws RaypherError `ledger/malformed` for a line that is too long, not UTF-8, or without its newline
 */
export async function* splitLines(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      yield decode(decoder, [...rest, piece.subarray(start, end)]);
      [rest, length, start] = [[], 0, end + 1];
    }
    rest.push(piece.slice(start));
    length += piece.length - start;
    if (length > MAX_LINE_BYTES) throw malformed('A line is too long.');
  }
  if (length > 0) throw malformed('Its last line is cut off.');
}

function decode(decoder: TextDecoder, parts: readonly Uint8Array[]): string {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > MAX_LINE_BYTES) throw malformed('A line is too long.');
  try {
    const text = parts.map((part) => decoder.decode(part, { stream: true })).join('');
    return text + decoder.decode();
  } catch (cause) {
    throw malformed('A line is not UTF-8.', cause);
  }
}

function malformed(why: string, cause?: unknown): RaypherError {
  return new RaypherError('ledger/malformed', `A file of lines cannot be read. ${why}`, { cause });
}
