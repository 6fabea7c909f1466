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

/** Shorter values cannot be told from other text where an answer repeats them. */
const SHORTEST_FOR_A_USE = 8;

/**
 * The same, and for one that is put into requests to any API: long enough to be kept out of their answers.
 *
 * @throws RaypherError `request/invalid`, without a word of the value
 */
export function requireSendable(value: Uint8Array, { use }: { use?: object | undefined }): void {
  requireHeaderValue(value);
  if (use === undefined || value.length >= SHORTEST_FOR_A_USE) return;
  throw new RaypherError(
    'request/invalid',
    `A value for any API has at least ${SHORTEST_FOR_A_USE} characters.`,
    {
      hint: 'Where an answer repeats the value it is masked; a shorter one would be found in any text.',
    },
  );
}
