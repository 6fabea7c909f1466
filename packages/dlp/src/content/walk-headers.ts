import type { Edit } from './edit.ts';
import { applyEdits } from './edit.ts';
import type { Place, Visitor } from './part.ts';
import { walkText } from './walk-text.ts';

/** Headers that carry the caller's credential to the provider by design; the proxy knows what belongs there. */
const CREDENTIAL_HEADERS = new Set([
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'cookie',
  'set-cookie',
]);

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** Every header, also those that a client invented; MIME words (RFC 2047) in base64 are decoded. */
export function walkHeaders(headers: HeaderList, visitor: Visitor, path = 'headers'): [string, string][] {
  return headers.map(([name, value]) => {
    const credential = CREDENTIAL_HEADERS.has(name.toLowerCase());
    const role = credential ? 'credential-header' : 'header';
    const place: Place = { path: `${path}/${name.toLowerCase()}`, role, label: name };
    const edits: Edit[] = walkText(value, place, visitor);
    // A line break would begin another header.
    return [
      name,
      applyEdits(
        value,
        edits.map((edit) => ({ ...edit, text: edit.text.replace(/[\r\n\0]+/g, ' ') })),
      ),
    ];
  });
}
