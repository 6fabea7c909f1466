import { RaypherError } from '@raypher/shared/errors';
import type { EntryRange } from './report.ts';

/** Numbers of entries are written with so many digits, so that names are in the order of what they are for. */
const DIGITS = 16;

/**
 * A file of lines that grows may be kept as parts that never change, one for each range of entries: those of
 * `batches.ndjson` are in the folder `batches/`.
 *
 * @example
 * linePartPath('batches.ndjson', { from: 0, to: 512 }) // batches/0000000000000000-0000000000000512.ndjson
 */
export function linePartPath(path: string, { from, to }: EntryRange): string {
  const number = (index: number) => String(index).padStart(DIGITS, '0');
  return `${linePartsFolder(path)}${number(from)}-${number(to)}.ndjson`;
}

/** Where the parts of a file of lines are, with a slash at the end. */
export function linePartsFolder(path: string): string {
  return `${path.slice(0, -'.ndjson'.length)}/`;
}

/**
 * The parts of a file among these paths, in the order in which they make one file.
 *
 * @throws RaypherError `ledger/malformed` when one begins elsewhere than the one before ends: a part is missing, or two
 *   are of the same entries
 */
export function lineParts(path: string, paths: Iterable<string>): string[] {
  const folder = linePartsFolder(path);
  const parts = [...paths].filter((name) => name.startsWith(folder) && name.endsWith('.ndjson')).sort();
  let end = 0;
  for (const part of parts) {
    const [, from, to] = /^(\d{16})-(\d{16})\.ndjson$/.exec(part.slice(folder.length)) ?? [];
    if (from === undefined || to === undefined || Number(from) !== end || Number(to) <= end) {
      throw new RaypherError(
        'ledger/malformed',
        `${part} is not the part of ${path} that goes on from entry ${end}.`,
      );
    }
    end = Number(to);
  }
  return parts;
}
