import type { Edit } from './edit.ts';
import type { Part, Place, Visitor } from './part.ts';
import { decodePercent, percentOffsets } from './percent.ts';
import { MAX_NESTING, walkText } from './walk-text.ts';

/**
 * Names and values of `application/x-www-form-urlencoded` text (URL Standard §5), decoded; what is encoded twice or
 * three times is decoded as often.
 *
 * @returns edits in units of `source`
 */
export function walkForm(source: string, place: Place, visitor: Visitor): Edit[] {
  const edits: Edit[] = [];
  for (let start = 0; start <= source.length && visitor.isFull?.() !== true; ) {
    const next = source.indexOf('&', start);
    const end = next === -1 ? source.length : next;
    const equals = source.indexOf('=', start);
    const split = equals === -1 || equals > end ? end : equals;
    const label = decodePercent(source.slice(start, split), true);
    const path = `${place.path}?${label}`;
    edits.push(
      ...walkEncoded(source.slice(start, split), { ...place, path, role: keyRole(place) }, visitor, start),
    );
    if (split < end) {
      edits.push(...walkEncoded(source.slice(split + 1, end), { ...place, path, label }, visitor, split + 1));
    }
    start = end + 1;
  }
  return edits;
}

function keyRole(place: Place): Place['role'] {
  return place.role === 'url' ? 'url' : 'key';
}

/** One percent-encoded text that begins at `start` of its source. @returns edits in units of that source */
export function walkEncoded(raw: string, place: Place, visitor: Visitor, start: number, nesting = 0): Edit[] {
  if (raw === '') return [];
  const text = decodePercent(raw, true);
  const edits = walkText(text, place, visitor, nesting);
  if (nesting < MAX_NESTING && text !== raw && /%[0-9a-fA-F]{2}/.test(text)) {
    edits.push(...walkEncoded(text, place, visitor, 0, nesting + 1));
  }
  const offsets = percentOffsets(raw);
  return edits.map((edit) => ({
    start: start + offsets(edit.start),
    end: start + offsets(edit.end),
    text: encodeURIComponent(edit.text),
  }));
}

/** Path, query and fragment of a URL or request target; user information too. @returns edits of `url` */
export function walkUrl(url: string, visitor: Visitor, path = 'url'): Edit[] {
  const place: Place = { path, role: 'url' };
  const query = url.indexOf('?');
  const head = query === -1 ? url : url.slice(0, query);
  const edits = walkEncodedPath(head, place, visitor);
  if (query === -1) return edits;
  const hash = url.indexOf('#', query);
  const end = hash === -1 ? url.length : hash;
  const moved = (inner: Edit[], by: number) =>
    inner.map((edit) => ({ ...edit, start: edit.start + by, end: edit.end + by }));
  edits.push(...moved(walkForm(url.slice(query + 1, end), place, visitor), query + 1));
  if (hash !== -1) edits.push(...moved(walkForm(url.slice(hash + 1), place, visitor), hash + 1));
  return edits;
}

/** A segment that is a number, with the suffix of a file. */
const NUMBER_SEGMENT = /^\d[\d -]{6,28}\d(?=(?:\.[a-z]{1,5})?(?:#|$))/;

/**
 * A plus in a path is a plus. Detectors of numbers pass over what stands behind a slash, where ratios and dates are: a
 * whole segment that is a number is read for itself, named by the segment before it.
 */
function walkEncodedPath(raw: string, place: Place, visitor: Visitor): Edit[] {
  const offsets = percentOffsets(raw);
  const whole = { ...place, text: decodePercent(raw) };
  const edits = visitor.text(whole);
  let label: string | undefined;
  let start = 0;
  for (const segment of whole.text.split('/')) {
    const [text] = NUMBER_SEGMENT.exec(segment) ?? [];
    if (text !== undefined) {
      const at = start;
      const part: Part = {
        ...place,
        text,
        ...(label ? { label } : {}),
        rereads: { of: whole, origin: (offset) => at + offset },
      };
      const inner = visitor.text(part);
      edits.push(...inner.map((edit) => ({ ...edit, start: edit.start + at, end: edit.end + at })));
    }
    label = segment;
    start += segment.length + 1;
  }
  return edits.map((edit) => ({
    start: offsets(edit.start),
    end: offsets(edit.end),
    text: encodeURIComponent(edit.text),
  }));
}
