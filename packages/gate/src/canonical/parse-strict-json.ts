import { CanonicalError } from './canonical-error.ts';
import { isExactDouble } from './exact-double.ts';

/** Objects and arrays inside each other. */
export const MAX_DEPTH = 64;
/** A text nested deeper than this is not even parsed: `JSON.parse` takes a second for a megabyte of brackets. */
const UNREADABLE_DEPTH = 1_000;

/** Values and members of one text. */
export const MAX_VALUES = 16_384;

/** Every decimal with at most this many digits is exact (DBL_DIG of IEEE 754 binary64). */
const ALWAYS_EXACT = 15;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

function isInNumber(unit: number): boolean {
  return isDigit(unit) || unit === DOT || unit === MINUS || unit === 0x2b || unit === 0x65 || unit === 0x45;
}

/** What `JSON.parse` forgets: how numbers were written, and how many members there were. */
interface Inspection {
  readonly members: number;
  readonly fault: CanonicalError | undefined;
}

/** The place of the quote that ends a text, or the end of everything. */
function endOfText(json: string, start: number): number {
  const quote = json.indexOf('"', start);
  if (quote === -1) return json.length;
  if (json.charCodeAt(quote - 1) !== BACKSLASH) return quote;
  let at = start;
  while (at < json.length) {
    const unit = json.charCodeAt(at);
    if (unit === QUOTE) return at;
    at += unit === BACKSLASH ? 2 : 1;
  }
  return at;
}

/**
 * Goes over a text once. Right for every text that is JSON; for any other it ends, and says something.
 *
 * @throws CanonicalError `json/too-deep` when parsing it would take too long
 */
function inspect(text: string): Inspection {
  let members = 0;
  let values = 0;
  let depth = 0;
  let fault: CanonicalError | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = endOfText(text, at + 1);
    } else if (unit === COLON) {
      members += 1;
    } else if (unit === COMMA) {
      values += 1;
    } else if (unit === OPEN_OBJECT || unit === OPEN_ARRAY) {
      values += 1;
      depth += 1;
      if (depth <= MAX_DEPTH) continue;
      fault ??= new CanonicalError('json/too-deep', `The limit is ${MAX_DEPTH}.`);
      if (depth > UNREADABLE_DEPTH) throw fault;
    } else if (unit === CLOSE_OBJECT || unit === CLOSE_ARRAY) {
      depth -= 1;
    } else if (unit === MINUS || isDigit(unit)) {
      const start = at;
      let plain = unit !== MINUS;
      while (isInNumber(text.charCodeAt(at + 1))) {
        at += 1;
        const next = text.charCodeAt(at);
        plain &&= isDigit(next) || next === DOT;
      }
      if (plain && at - start < ALWAYS_EXACT) continue;
      if (!isExactDouble(text.slice(start, at + 1))) fault ??= new CanonicalError('json/inexact-number');
    }
  }
  if (values > MAX_VALUES)
    fault ??= new CanonicalError('json/too-many-values', `The limit is ${MAX_VALUES}.`);
  return { members, fault };
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const children: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : children.length;
  for (const child of children) {
    if (typeof child === 'object' && child !== null) count += countMembers(child);
  }
  return count;
}

/** A value with everything about its text that was wrong although it is JSON. */
export interface LenientJson {
  readonly value: unknown;
  readonly fault: CanonicalError | undefined;
}

/**
 * Reads JSON and says what else is wrong with it, so that an answer can still carry the id of the request.
 *
 * @throws CanonicalError `json/syntax`, or `json/too-deep` for a text that is not worth parsing
 */
export function parseJsonWithFault(text: string): LenientJson {
  const { members, fault } = inspect(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CanonicalError('json/syntax');
  }
  if (fault !== undefined) return { value, fault };
  // Colons outside of texts are members; a name that was given twice has left only one.
  return members === countMembers(value)
    ? { value, fault: undefined }
    : { value, fault: new CanonicalError('json/duplicate-name') };
}

/**
 * Reads I-JSON (RFC 7493): JSON in which no name is given twice and every number means what it says.
 * `JSON.parse` keeps the last of two equal names and rounds long numbers, so that two texts that other readers
 * tell apart would share a hash.
 *
 * @throws CanonicalError `json/syntax`, `json/duplicate-name`, `json/inexact-number`, `json/too-deep`,
 *   `json/too-many-values`
 */
export function parseStrictJson(text: string): unknown {
  const { value, fault } = parseJsonWithFault(text);
  if (fault !== undefined) throw fault;
  return value;
}
