import { base64Bytes, base64Runs, decodeBase64, encodeBase64Like } from './base64.ts';
import { decodeBytes, encodeUtf8, looksBinary } from './charset.ts';
import { type Disguised, findDisguised } from './disguise.ts';
import type { Edit } from './edit.ts';
import { applyEdits } from './edit.ts';
import { decodeJsonString, escapeJsonString, jsonStringOffsets } from './json/json-string.ts';
import { readJson } from './json/read-json.ts';
import type { Part, Place, Visitor } from './part.ts';
import { decodePercent, percentOffsets } from './percent.ts';
import { type JsonWalk, walkJson } from './walk-json.ts';

/** Levels of encoding that are unpacked: JSON in a string, base64 of JSON, and so on. */
export const MAX_NESTING = 3;
/** Of something that is not text at most so many bytes are looked through. */
export const MAX_BINARY = 1 << 20;
/** Shorter than that, what base64 happens to decode to is noise. */
const SHORTEST_BINARY = 256;

/**
 * Hands a text to the visitor, and what is packed inside of it: JSON as its leaves, base64 (also in `data:` URIs,
 * standard and URL-safe alphabet) and hexadecimal bytes decoded, percent encoding and character references undone,
 * pieces of string literals joined.
 *
 * @returns edits in units of `text`
 */
export function walkText(text: string, place: Place, visitor: Visitor, nesting = 0): Edit[] {
  if (looksLikeJson(text)) {
    if (nesting >= MAX_NESTING) visitor.obstacle({ path: place.path, reason: 'nesting' });
    else {
      const document = readJson(text);
      if (document.valid) {
        const inner = { ...place, path: `${place.path}#json` };
        return walkJson(text, document, { ...jsonWalk(visitor, nesting + 1), within: inner });
      }
    }
  }
  const whole: Part = { ...place, text };
  const edits = visitor.text(whole);
  for (const run of base64Runs(text)) {
    if (visitor.isFull?.() === true) break;
    const packed = text.slice(run.start, run.end);
    const unpacked = walkBase64(packed, place, visitor, nesting);
    if (unpacked !== undefined) edits.push({ ...run, text: unpacked });
  }
  if (UNICODE_ESCAPE.test(text)) edits.push(...walkEscapes(text, place, visitor));
  for (const disguised of findDisguised(text)) {
    if (visitor.isFull?.() === true) break;
    edits.push(...walkDisguised(disguised, whole, visitor));
  }
  if (text.includes('data:')) edits.push(...walkPercentUris(text, place, visitor));
  return edits;
}

function walkDisguised(
  { start, way, text, offsets, write }: Disguised,
  whole: Part,
  visitor: Visitor,
): Edit[] {
  const rereads = { of: whole, origin: (offset: number) => start + offsets(offset) };
  return visitor.text({ ...whole, path: `${whole.path}#${way}`, text, rereads }).map((edit) => ({
    start: start + offsets(edit.start),
    // The last unit and what it is written with; what stands between two pieces is left alone.
    end: start + (way === 'joined' ? offsets(edit.end - 1) + 1 : offsets(edit.end)),
    text: write(edit.text),
  }));
}

const UNICODE_ESCAPE = /\\u[0-9a-fA-F]{4}/;

/** JSON in the middle of prose, or broken: its escapes are undone wherever they stand. */
function walkEscapes(text: string, place: Place, visitor: Visitor): Edit[] {
  const offsets = jsonStringOffsets(text);
  const inner = visitor.text({ ...place, path: `${place.path}#escapes`, text: decodeJsonString(text) });
  return inner.map(({ start, end, text: written }) => ({
    start: offsets(start),
    end: offsets(end),
    text: escapeJsonString(written),
  }));
}

/** How the leaves of a JSON document are looked into. */
export function jsonWalk(visitor: Visitor, nesting: number): JsonWalk {
  return { visitor, text: (text, place) => walkText(text, place, visitor, nesting) };
}

/** @returns the same base64 with the edits of its content made, undefined when there are none */
export function walkBase64(
  packed: string,
  place: Place,
  visitor: Visitor,
  nesting: number,
): string | undefined {
  if (HEXADECIMAL.test(packed)) return walkHexadecimal(packed, place, visitor);
  const binary = decodeBase64(packed);
  if (binary === undefined || binary === '') return undefined;
  const path = `${place.path}#base64`;
  const decoded = decodeBytes(base64Bytes(binary));
  if (decoded.charset === 'bytes' || looksBinary(decoded.text)) {
    if (binary.length >= SHORTEST_BINARY) walkBinary(binary, { ...place, path }, visitor);
    return undefined;
  }
  if (nesting >= MAX_NESTING) {
    visitor.obstacle({ path, reason: 'nesting' });
    return undefined;
  }
  const edits = walkText(decoded.text, { ...place, path }, visitor, nesting + 1);
  return edits.length === 0
    ? undefined
    : encodeBase64Like(decoded.encode(applyEdits(decoded.text, edits)), packed);
}

const HEXADECIMAL = /^(?:[0-9a-f]{2}){12,}$|^(?:[0-9A-F]{2}){12,}$/;
const PRINTABLE = /^[\t\n\r\x20-\x7e]+$/;

/** Bytes written as hexadecimal digits that turn out to be a text; digests and ids do not. */
function walkHexadecimal(packed: string, place: Place, visitor: Visitor): string | undefined {
  let text = '';
  for (let at = 0; at < packed.length; at += 2) {
    const code = Number.parseInt(packed.slice(at, at + 2), 16);
    if (at < 32 && !PRINTABLE.test(String.fromCharCode(code))) return undefined;
    text += String.fromCharCode(code);
  }
  const edits = visitor.text({ ...place, path: `${place.path}#hex`, text });
  if (edits.length === 0) return undefined;
  return [...encodeUtf8(applyEdits(text, edits))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Looks through bytes that are not text, one character each. */
export function walkBinary(binary: string, place: Place, visitor: Visitor): void {
  visitor.obstacle({ path: place.path, reason: binary.length > MAX_BINARY ? 'size' : 'binary' });
  visitor.text({ ...place, role: 'binary', text: binary.slice(0, MAX_BINARY) });
}

const PERCENT_URI = /data:[\w.+/;=-]{0,100},([^\s"'<>)]{1,100000})/g;

function walkPercentUris(text: string, place: Place, visitor: Visitor): Edit[] {
  const edits: Edit[] = [];
  for (const match of text.matchAll(PERCENT_URI)) {
    const [uri, raw] = match;
    if (raw === undefined || !raw.includes('%') || uri.includes(';base64,')) continue;
    const start = match.index + uri.length - raw.length;
    const offsets = percentOffsets(raw);
    const inner = visitor.text({ ...place, path: `${place.path}#data`, text: decodePercent(raw) });
    for (const edit of inner) {
      const encoded = encodeURIComponent(edit.text);
      edits.push({ start: start + offsets(edit.start), end: start + offsets(edit.end), text: encoded });
    }
  }
  return edits;
}

function looksLikeJson(text: string): boolean {
  const first = /^[\s\ufeff]{0,64}([[{])/.exec(text);
  return first !== null && /[\]}]\s{0,64}$/.test(text.slice(-65));
}
