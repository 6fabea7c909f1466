/** A decimal number as written: `digits` without zeros at either end, times ten to the `exponent`. */
interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

/** 5e-324 written without an exponent has 326 characters; nothing that is exact needs more than this. */
const LONGEST_TOKEN = 400;
const ZERO = 0x30;

function decimalOf(token: string): Decimal | undefined {
  const parts = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token);
  if (parts === null) return undefined;
  const [, whole = '', fraction = '', power = '0'] = parts;
  const digits = whole + fraction;
  let start = 0;
  let end = digits.length;
  while (start < end && digits.charCodeAt(start) === ZERO) start += 1;
  if (start === end) return { digits: '', exponent: 0 };
  while (digits.charCodeAt(end - 1) === ZERO) end -= 1;
  return {
    digits: digits.slice(start, end),
    exponent: Number(power) - fraction.length + (digits.length - end),
  };
}

/**
 * Whether a JSON number stands for the double it is read as: its decimal value is the one that the shortest
 * form of that double has (ECMA-262 Number::toString, which RFC 8785 §3.2.2.3 prescribes).
 *
 * `0.1`, `1.50` and `2e3` are exact. `9007199254740993` and `0.1000000000000000055` are not: a reader with
 * longer numbers would see another value than the one that is hashed. `-0` is not either.
 */
export function isExactDouble(token: string): boolean {
  if (token.length > LONGEST_TOKEN) return false;
  const value = Number(token);
  if (!Number.isFinite(value) || Object.is(value, -0)) return false;
  const written = decimalOf(token);
  const shortest = decimalOf(String(value));
  return (
    written !== undefined &&
    shortest !== undefined &&
    written.digits === shortest.digits &&
    written.exponent === shortest.exponent
  );
}
