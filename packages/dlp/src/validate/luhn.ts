import { digitsOf } from './digits.ts';

/** ISO/IEC 7812-1 annex B, over the digits of the text; separators are ignored. */
export function passesLuhn(text: string): boolean {
  const digits = digitsOf(text).reverse();
  const sum = digits.reduce((total, digit, index) => {
    if (index % 2 === 0) return total + digit;
    return total + (digit > 4 ? digit * 2 - 9 : digit * 2);
  }, 0);
  return digits.length > 1 && sum % 10 === 0;
}
