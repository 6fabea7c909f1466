import { CanonicalError } from './canonical-error.ts';

/** Objects and arrays inside each other, in one request. */
export const MAX_REQUEST_DEPTH = 48;
/** UTF-16 code units of the canonical text, and of every text in it before it is composed. */
export const MAX_REQUEST_LENGTH = 1_048_576;

/** Objects, arrays, texts, numbers and the rest, in one request. */
export const MAX_REQUEST_VALUES = 16_384;

/** The name that makes an object stand for an integer that a double cannot hold. */
export const INTEGER_NAME = '$int';
/** No sign but minus, no leading zeros; 400 digits hold every finite double. */
const INTEGER_FORM = /^-?[1-9]\d{0,399}$/;
const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

/** Printable ASCII that JSON does not escape: most texts, and they need nothing done. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * More marks than this belong to no text of any language (UAX #15, Stream-Safe Text Format), and putting them
 * in order takes time that grows with their square: a minute for a few ten thousand.
 */
const TOO_MANY_MARKS = /\p{M}{31}/u;

export interface CanonicalText {
  /** RFC 8785, every text in Unicode normalisation form C. */
  readonly text: string;
  /** Whether a text was changed by that: whoever acts must act on the canonical text. */
  readonly normalised: boolean;
}

interface Progress {
  length: number;
  values: number;
  normalised: boolean;
}

function grow(progress: Progress, text: string): string {
  progress.length += text.length;
  if (progress.length > MAX_REQUEST_LENGTH) {
    throw new CanonicalError('json/too-large', `The limit is ${MAX_REQUEST_LENGTH} characters.`);
  }
  return text;
}

function compose(text: string, progress: Progress): string {
  if (text.length > MAX_REQUEST_LENGTH) throw new CanonicalError('json/too-large');
  if (!text.isWellFormed()) throw new CanonicalError('json/lone-surrogate');
  if (TOO_MANY_MARKS.test(text)) throw new CanonicalError('json/too-many-marks');
  const composed = text.normalize('NFC');
  if (composed !== text) progress.normalised = true;
  return composed;
}

function writeText(text: string, progress: Progress): string {
  // RFC 8785 §3.2.2.2 is what `JSON.stringify` does with a well-formed text.
  return grow(progress, PLAIN.test(text) ? `"${text}"` : JSON.stringify(compose(text, progress)));
}

function writeNumber(value: number, progress: Progress): string {
  if (!Number.isFinite(value)) throw new CanonicalError('json/not-a-number');
  if (Object.is(value, -0)) throw new CanonicalError('json/negative-zero');
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new CanonicalError('json/large-integer');
  return grow(progress, String(value));
}

function writeLargeInteger(digits: unknown, progress: Progress): string {
  if (typeof digits !== 'string' || !INTEGER_FORM.test(digits)) throw new CanonicalError('json/integer-form');
  const value = BigInt(digits);
  if (value <= LARGEST && value >= -LARGEST) throw new CanonicalError('json/integer-form');
  return grow(progress, `{"${INTEGER_NAME}":"${digits}"}`);
}

function writeBigInt(value: bigint, progress: Progress): string {
  return value <= LARGEST && value >= -LARGEST
    ? writeNumber(Number(value), progress)
    : writeLargeInteger(value.toString(), progress);
}

function writeArray(items: readonly unknown[], depth: number, progress: Progress): string {
  let text = '[';
  for (let at = 0; at < items.length; at += 1) {
    if (at > 0) text += ',';
    text += writeValue(items[at], depth, progress);
  }
  grow(progress, '[]');
  return `${text}]`;
}

function writeMember(name: string, value: unknown, depth: number, progress: Progress): string {
  if (name === '__proto__') throw new CanonicalError('json/reserved-name');
  return `${writeText(name, progress)}:${writeValue(value, depth, progress)}`;
}

/** Members whose names are changed by normalisation: sorted by what they become, and still one of each. */
function writeComposedMembers(value: object, names: string[], depth: number, progress: Progress): string {
  const originals = new Map(names.map((name) => [compose(name, progress), name]));
  if (originals.size !== names.length) throw new CanonicalError('json/colliding-names');
  return [...originals.keys()]
    .sort()
    .map((name) => writeMember(name, Reflect.get(value, originals.get(name) ?? name), depth, progress))
    .join(',');
}

function writeMembers(value: object, depth: number, progress: Progress): string {
  const names = Object.keys(value);
  for (const name of names) {
    if (!PLAIN.test(name)) return writeComposedMembers(value, names, depth, progress);
  }
  // By UTF-16 code units, which is the order of RFC 8785 §3.2.3.
  names.sort();
  let text = '';
  for (const name of names) {
    if (text !== '') text += ',';
    text += writeMember(name, Reflect.get(value, name), depth, progress);
  }
  return text;
}

function writeObject(value: object, depth: number, progress: Progress): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new CanonicalError('json/not-data');
  if (Object.getOwnPropertySymbols(value).length > 0) throw new CanonicalError('json/not-data');
  grow(progress, '{}');
  if (!Object.hasOwn(value, INTEGER_NAME)) return `{${writeMembers(value, depth, progress)}}`;
  if (Object.keys(value).length !== 1) throw new CanonicalError('json/integer-form');
  return writeLargeInteger(Reflect.get(value, INTEGER_NAME), progress);
}

function writeValue(value: unknown, depth: number, progress: Progress): string {
  progress.values += 1;
  if (progress.values > MAX_REQUEST_VALUES) {
    throw new CanonicalError('json/too-many-values', `The limit is ${MAX_REQUEST_VALUES}.`);
  }
  switch (typeof value) {
    case 'string':
      return writeText(value, progress);
    case 'number':
      return writeNumber(value, progress);
    case 'boolean':
      return grow(progress, value ? 'true' : 'false');
    case 'bigint':
      return writeBigInt(value, progress);
    case 'object':
      if (value === null) return grow(progress, 'null');
      if (depth >= MAX_REQUEST_DEPTH) {
        throw new CanonicalError('json/too-deep', `The limit is ${MAX_REQUEST_DEPTH}.`);
      }
      return Array.isArray(value)
        ? writeArray(value, depth + 1, progress)
        : writeObject(value, depth + 1, progress);
    default:
      throw new CanonicalError('json/not-data');
  }
}

/**
 * The canonical text of a value: RFC 8785 over strings in Unicode normalisation form C, under rules that keep
 * two different requests from sharing a text.
 *
 * - Texts are composed (NFC), names too; nothing is trimmed, folded or cut.
 * - Arrays keep their order.
 * - Numbers are IEEE 754 doubles in their shortest form. Integers outside ±(2^53 − 1), `-0`, `NaN` and
 *   `Infinity` are refused. A larger integer is written `{"$int":"9007199254740993"}`; a `bigint` becomes that.
 * - `__proto__`, half surrogate pairs, and names that only differ before normalisation are refused.
 * - Every property is read once, so that a getter cannot show one value to the hash and another to the policy.
 *
 * @throws CanonicalError saying which of these it was
 * @example writeCanonical({ b: [2, 1], a: 1.50 }).text // {"a":1.5,"b":[2,1]}
 */
export function writeCanonical(value: unknown): CanonicalText {
  const progress: Progress = { length: 0, values: 0, normalised: false };
  const text = writeValue(value, 0, progress);
  return { text, normalised: progress.normalised };
}
