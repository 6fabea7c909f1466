import { byteString, decodeUtf8 } from './charset.ts';

const ENCODED = /(?:%[0-9a-fA-F]{2})+/g;

/** One stretch of the raw text and what it stands for; `plain` when that is the same. */
interface Stretch {
  start: number;
  end: number;
  text: string;
  plain: boolean;
}

function stretches(raw: string, plusIsSpace: boolean): Stretch[] {
  const found: Stretch[] = [];
  let at = 0;
  const plain = (end: number) => {
    if (end > at) {
      const text = raw.slice(at, end);
      found.push({ start: at, end, text: plusIsSpace ? text.replaceAll('+', ' ') : text, plain: true });
    }
  };
  for (const match of raw.matchAll(ENCODED)) {
    plain(match.index);
    at = match.index + match[0].length;
    const bytes = Uint8Array.from(match[0].slice(1).split('%'), (digits) => Number.parseInt(digits, 16));
    found.push({ start: match.index, end: at, text: decodeUtf8(bytes) ?? byteString(bytes), plain: false });
  }
  plain(raw.length);
  return found;
}

/** Undoes percent encoding (RFC 3986 §2.1) once; what is not an escape stays. Never throws. */
export function decodePercent(raw: string, plusIsSpace = false): string {
  if (!raw.includes('%') && !(plusIsSpace && raw.includes('+'))) return raw;
  return stretches(raw, plusIsSpace)
    .map(({ text }) => text)
    .join('');
}

/** Where a unit of the decoded text begins in the raw one. */
export function percentOffsets(raw: string): (offset: number) => number {
  if (!raw.includes('%')) return (offset) => offset;
  const offsets: number[] = [];
  for (const { start, end, text, plain } of stretches(raw, false)) {
    let at = start;
    for (const point of text) {
      const width = plain ? point.length : 3 * utf8Length(point, end - start, text.length);
      for (let unit = 0; unit < point.length; unit++) offsets.push(plain ? at + unit : at);
      at += width;
    }
  }
  offsets.push(raw.length);
  return (offset) => offsets[offset] ?? raw.length;
}

/** Bytes a character took: one when the stretch was not UTF-8 and was read byte by byte. */
function utf8Length(point: string, rawLength: number, units: number): number {
  if (rawLength === 3 * units) return 1;
  const code = point.codePointAt(0) ?? 0;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
