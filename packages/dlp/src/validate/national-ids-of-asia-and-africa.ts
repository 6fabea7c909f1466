import { digitsOf, isCalendarDay, isOneDigitRepeated, weightedSum } from './digits.ts';
import { passesLuhn } from './luhn.ts';

/** Every check takes the number as written and ignores separators. Sources: the issuing authorities' specifications. */
type Check = (text: string) => boolean;

const last = (digits: readonly number[]): number => digits.at(-1) ?? -1;

export const isThaiId: Check = (text) => {
  const digits = digitsOf(text);
  return (
    digits.length === 13 &&
    digits[0] !== 0 &&
    !isOneDigitRepeated(digits) &&
    (11 - (weightedSum(digits, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === last(digits)
  );
};

export const isTurkishId: Check = (text) => {
  const digits = digitsOf(text);
  const odd = weightedSum(digits, [1, 0, 1, 0, 1, 0, 1, 0, 1]);
  const even = weightedSum(digits, [0, 1, 0, 1, 0, 1, 0, 1]);
  const tenth = (((odd * 7 - even) % 10) + 10) % 10;
  return (
    digits.length === 11 && digits[0] !== 0 && tenth === digits[9] && (odd + even + tenth) % 10 === digits[10]
  );
};

export const isSouthAfricanId: Check = (text) => {
  const plain = digitsOf(text).join('');
  return (
    /^\d{10}[012]\d{2}$/.test(plain) &&
    isCalendarDay(2000 + Number(plain.slice(0, 2)), Number(plain.slice(2, 4)), Number(plain.slice(4, 6))) &&
    passesLuhn(plain)
  );
};

export const isKoreanResident: Check = (text) => {
  const plain = digitsOf(text).join('');
  return (
    isCalendarDay(2000 + Number(plain.slice(0, 2)), Number(plain.slice(2, 4)), Number(plain.slice(4, 6))) &&
    /^\d{6}[1-8]/.test(plain)
  );
};
export const isKoreanBusiness: Check = (text) => {
  const digits = digitsOf(text);
  const sum = weightedSum(digits, [1, 3, 7, 1, 3, 7, 1, 3, 5]) + Math.floor(((digits[8] ?? 0) * 5) / 10);
  return digits.length === 10 && !isOneDigitRepeated(digits) && (10 - (sum % 10)) % 10 === last(digits);
};

/** India, Aadhaar: Verhoeff's dihedral check (Verhoeff, 1969). */
export const isAadhaar: Check = (text) => {
  const digits = digitsOf(text);
  const sum = digits
    .toReversed()
    .reduce((carry, digit, index) => dihedral(carry, permuted(digit, index % 8)), 0);
  return digits.length === 12 && (digits[0] ?? 0) >= 2 && sum === 0;
};

function dihedral(left: number, right: number): number {
  if (left < 5) return right < 5 ? (left + right) % 5 : 5 + ((left + right) % 5);
  return right < 5 ? 5 + ((left - 5 - right + 5) % 5) : (left - right + 5) % 5;
}

function permuted(digit: number, times: number): number {
  let value = digit;
  for (let round = 0; round < times; round++) value = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4][value] ?? 0;
  return value;
}

/** China, since 1999: a day of birth and ISO 7064 MOD 11-2. */
export const isChineseResident: Check = (text) => {
  const day = /^\d{6}((?:19|20)\d{2})(\d{2})(\d{2})\d{3}[\dXx]$/.exec(text);
  const sum = weightedSum(digitsOf(text.slice(0, 17)), [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
  return (
    day !== null &&
    isCalendarDay(Number(day[1]), Number(day[2]), Number(day[3])) &&
    '10X98765432'[sum % 11] === text.at(-1)?.toUpperCase()
  );
};

export const isJapaneseMyNumber: Check = (text) => {
  const digits = digitsOf(text);
  const rest = weightedSum(digits, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
  return digits.length === 12 && !isOneDigitRepeated(digits) && (rest <= 1 ? 0 : 11 - rest) === last(digits);
};

export const isIsraeliId: Check = (text) => !isOneDigitRepeated(digitsOf(text)) && passesLuhn(text);
