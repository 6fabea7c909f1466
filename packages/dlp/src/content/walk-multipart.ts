import { base64Bytes, decodeBase64, encodeBase64Like } from './base64.ts';
import { byteString, bytesOf } from './charset.ts';
import { applyEdits, type Edit } from './edit.ts';
import type { Place, Visitor } from './part.ts';
import { decodePercent } from './percent.ts';
import { decodeQuotedPrintable, encodeQuotedPrintable } from './quoted-printable.ts';
import { walkText } from './walk-text.ts';

/** More parts than any client sends; the rest is an obstacle. */
const MAX_PARTS = 1_000;

type WalkPart = (bytes: Uint8Array, contentType: string, place: Place) => Uint8Array;

interface Encoding {
  decode(raw: string): Uint8Array | undefined;
  encode(bytes: Uint8Array, raw: string): string;
}

const IDENTITY: Encoding = { decode: bytesOf, encode: byteString };

const ENCODINGS: Readonly<Record<string, Encoding>> = {
  base64: {
    decode: (raw) => {
      const binary = decodeBase64(raw);
      return binary === undefined ? undefined : base64Bytes(binary);
    },
    encode: encodeBase64Like,
  },
  'quoted-printable': {
    decode: (raw) => bytesOf(decodeQuotedPrintable(raw)),
    encode: (bytes) => encodeQuotedPrintable(bytes),
  },
};

/**
 * The parts of a multipart body (RFC 2046 §5.1, RFC 7578): headers and file names as texts, bodies without their
 * transfer encoding as bodies of their own, preamble and epilogue as text.
 *
 * @returns undefined when there is no boundary in it
 */
export function walkMultipart(
  bytes: Uint8Array,
  contentType: string,
  place: Place,
  visitor: Visitor,
  walkPart: WalkPart,
): Uint8Array | undefined {
  const source = byteString(bytes);
  const declared = /boundary\s{0,8}=\s{0,8}(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(contentType);
  const boundary = declared?.[1] ?? declared?.[2] ?? /^--([^\r\n]{1,200})\r?\n/.exec(source)?.[1];
  if (boundary === undefined || !source.includes(`--${boundary}`)) return undefined;
  const edits: Edit[] = [];
  for (const [index, section] of sections(source, `--${boundary}`).entries()) {
    if (index > MAX_PARTS) {
      visitor.obstacle({ path: place.path, reason: 'size' });
      break;
    }
    const inner = { ...place, path: `${place.path}#part/${index}` };
    edits.push(...walkSection(source, section, inner, visitor, walkPart));
  }
  return edits.length === 0 ? bytes : bytesOf(applyEdits(source, edits));
}

interface Section {
  start: number;
  end: number;
}

/** What lies between the delimiters, preamble and epilogue included. */
function sections(source: string, delimiter: string): Section[] {
  const found: Section[] = [];
  let start = 0;
  for (let at = source.indexOf(delimiter); at !== -1; at = source.indexOf(delimiter, at + delimiter.length)) {
    // A delimiter begins a line.
    if (at !== 0 && source[at - 1] !== '\n') continue;
    found.push({ start, end: at });
    start = at + delimiter.length;
  }
  found.push({ start, end: source.length });
  return found;
}

function walkSection(
  source: string,
  { start, end }: Section,
  place: Place,
  visitor: Visitor,
  walkPart: WalkPart,
): Edit[] {
  const section = source.slice(start, end);
  const split = /\r?\n\r?\n/.exec(section);
  if (split === null) {
    return section.trim() === '' ? [] : moved(walkText(section, { ...place, role: 'other' }, visitor), start);
  }
  const head = section.slice(0, split.index);
  const bodyStart = split.index + split[0].length;
  // The line break before the next delimiter belongs to that.
  const bodyEnd = Math.max(bodyStart, section.length - (/\r?\n$/.exec(section)?.[0].length ?? 0));
  const raw = section.slice(bodyStart, bodyEnd);
  const edits = moved(walkHead(head, place, visitor), start);

  const encoding = ENCODINGS[header(head, 'content-transfer-encoding').toLowerCase()] ?? IDENTITY;
  const decoded = encoding.decode(raw);
  const label = /\bname="([^"]{1,200})"/.exec(head)?.[1];
  const inner: Place = label === undefined ? place : { ...place, label };
  if (decoded === undefined) return [...edits, ...moved(walkText(raw, inner, visitor), start + bodyStart)];
  const edited = walkPart(decoded, header(head, 'content-type'), inner);
  if (edited !== decoded)
    edits.push({ start: start + bodyStart, end: start + bodyEnd, text: encoding.encode(edited, raw) });
  return edits;
}

function walkHead(head: string, place: Place, visitor: Visitor): Edit[] {
  const role = 'file-name';
  const edits = visitor.text({ path: `${place.path}/headers`, role, text: head });
  // RFC 5987: filename*=UTF-8''percent-encoded; taken out as a whole, as plain text of the same parameter.
  const extended = /filename\*\s{0,8}=\s{0,8}([^\s;]{1,1000})/i.exec(head);
  if (extended?.[1] === undefined) return edits;
  const start = extended.index + extended[0].length - extended[1].length;
  const found = visitor.text({ path: `${place.path}/filename`, role, text: decodePercent(extended[1]) });
  if (found.length === 0) return edits;
  const name = applyEdits(
    decodePercent(extended[1]).replace(/^[^']*'[^']*'/, (tag) => ' '.repeat(tag.length)),
    found,
  );
  edits.push({ start, end: start + extended[1].length, text: `UTF-8''${encodeURIComponent(name.trim())}` });
  return edits;
}

function header(head: string, name: string): string {
  const line = head.split(/\r?\n/).find((text) => text.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() ?? '';
}

function moved(edits: readonly Edit[], by: number): Edit[] {
  return edits.map((edit) => ({ ...edit, start: edit.start + by, end: edit.end + by }));
}
