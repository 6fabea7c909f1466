import { RaypherError } from '@raypher/shared';

/** Bytes that a header carries unchanged and that cannot end it (RFC 9110 §5.5). */
const FIRST_VISIBLE = 0x21;
const LAST_VISIBLE = 0x7e;

/**
 * A key that is stored must be one that can be sent.
 *
 * @throws RaypherError `request/invalid`, without a word of the value
 */
export function requireHeaderValue(value: Uint8Array): void {
  if (value.length > 0 && value.every((byte) => byte >= FIRST_VISIBLE && byte <= LAST_VISIBLE)) return;
  throw new RaypherError('request/invalid', 'An API key has visible ASCII characters only, in one line.', {
    hint: 'Look for spaces, quotation marks that are no plain ones, or a second line in what was given.',
  });
}
