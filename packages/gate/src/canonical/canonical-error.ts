/** Why a text or a value has no canonical form. One code, one sentence, one thing to do. */
export const CANONICAL_FAULTS = {
  'json/syntax': 'It is not JSON.',
  'json/duplicate-name': 'An object names a member twice; readers would disagree about which one counts.',
  'json/inexact-number':
    'A number does not survive as an IEEE 754 double. Write it shorter, or an integer as {"$int":"…"}.',
  'json/too-deep': 'It is nested too deeply.',
  'json/too-large': 'It is too large.',
  'json/too-many-values': 'It has too many values.',
  'json/too-many-marks': 'A text has more than 30 combining marks in a row.',
  'json/large-integer': 'An integer is outside ±(2^53 − 1). Write it as {"$int":"…"}.',
  'json/integer-form': '{"$int":"…"} holds one decimal integer outside ±(2^53 − 1), and nothing else.',
  'json/not-a-number': 'NaN and Infinity have no JSON form.',
  'json/negative-zero': 'Minus zero is refused: readers disagree whether it is zero.',
  'json/lone-surrogate': 'A text has half of a surrogate pair; it has no UTF-8 form.',
  'json/reserved-name': 'A member is called __proto__, which some readers drop.',
  'json/colliding-names': 'Two members have the same name once Unicode is normalised.',
  'json/not-data': 'Only plain objects, arrays, texts, numbers, booleans and null can be part of a request.',
  'car/shape': 'It is not an action request.',
} as const;
export type CanonicalFault = keyof typeof CANONICAL_FAULTS;

/** A request that has no canonical form, and therefore no hash, no verdict and no permit. */
export class CanonicalError extends Error {
  readonly code: CanonicalFault;

  constructor(code: CanonicalFault, detail?: string) {
    super(detail === undefined ? CANONICAL_FAULTS[code] : `${CANONICAL_FAULTS[code]} ${detail}`);
    this.name = 'CanonicalError';
    this.code = code;
  }
}
