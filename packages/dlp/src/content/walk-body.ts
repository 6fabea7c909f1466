import { decodeBytes, looksBinary } from './charset.ts';
import { applyEdits, type Edit } from './edit.ts';
import { readJson } from './json/read-json.ts';
import type { Place, Visitor } from './part.ts';
import { walkForm } from './walk-form.ts';
import { walkJson } from './walk-json.ts';
import { walkMultipart } from './walk-multipart.ts';
import { jsonWalk, MAX_NESTING, walkBinary, walkText } from './walk-text.ts';

const KNOWN_CHARSETS =
  /^(?:utf-?8|us-ascii|ascii|iso-8859-\d+|latin-?1|windows-125\d|utf-?16(?:le|be)?|utf-?32(?:le|be)?)$/i;

/**
 * Hands all texts of a body to the visitor. What the content type says is a hint: bytes that are JSON are read as
 * JSON, text is read as text whatever it calls itself, and what can be read in no way is an obstacle.
 *
 * @returns the same bytes, bit for bit, apart from the edits
 */
export function walkBody(
  bytes: Uint8Array,
  contentType: string,
  place: Place,
  visitor: Visitor,
  nesting = 0,
): Uint8Array {
  if (bytes.length === 0) return bytes;
  const mediaType = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  const charset = /charset\s{0,8}=\s{0,8}"?([\w-]{1,40})/i.exec(contentType)?.[1];
  if (charset !== undefined && !KNOWN_CHARSETS.test(charset))
    visitor.obstacle({ path: place.path, reason: 'charset' });
  if (mediaType.startsWith('multipart/') && nesting < MAX_NESTING) {
    const edited = walkMultipart(bytes, contentType, place, visitor, (part, type, inner) =>
      walkBody(part, type, inner, visitor, nesting + 1),
    );
    if (edited !== undefined) return edited;
  }
  const { text, charset: found, encode } = decodeBytes(bytes);
  const edits = walkDecoded(text, mediaType, found === 'bytes', place, visitor);
  return edits.length === 0 ? bytes : encode(applyEdits(text, edits));
}

function walkDecoded(
  text: string,
  mediaType: string,
  undecoded: boolean,
  place: Place,
  visitor: Visitor,
): Edit[] {
  if (mediaType === 'application/x-www-form-urlencoded') {
    // Some clients send JSON under this type, which is the default of theirs.
    return [
      ...walkForm(text, place, visitor),
      ...(/^\s*[[{]/.test(text) ? walkDocument(text, place, visitor) : []),
    ];
  }
  if (mediaType.endsWith('json') || /^[\s\ufeff]*[[{"]/.test(text)) return walkDocument(text, place, visitor);
  if (looksBinary(text) && (undecoded || !mediaType.startsWith('text/'))) {
    walkBinary(text, place, visitor);
    return [];
  }
  return walkText(text, place, visitor);
}

/** JSON by its leaves; when it is not quite JSON the whole text is looked at as well. */
function walkDocument(text: string, place: Place, visitor: Visitor): Edit[] {
  const document = readJson(text);
  const edits = walkJson(text, document, jsonWalk(visitor, 0));
  return document.valid ? edits : [...edits, ...visitor.text({ ...place, text })];
}
