import { compact, digitsOf, isCalendarDay, isOneDigitRepeated, weightedSum } from './digits.ts';
import { passesLuhn } from './luhn.ts';

/** Every check takes the number as written and ignores separators. Sources: the issuing authorities' specifications. */
type Check = (text: string) => boolean;

const last = (digits: readonly number[]): number => digits.at(-1) ?? -1;
const pair = (digits: readonly number[], at: number): number =>
  (digits[at] ?? 0) * 10 + (digits[at + 1] ?? 0);

/** Belgium: 97 minus the number modulo 97, with a 2 in front for those born from 2000 on. */
export const isBelgianNational: Check = (text) => {
  const plain = digitsOf(text).join('');
  const check = Number(plain.slice(9));
  const holds = (prefix: string) => 97 - (Number(prefix + plain.slice(0, 9)) % 97) === check;
  return plain.length === 11 && pair(digitsOf(plain), 2) <= 12 && (holds('') || holds('2'));
};

/** Norway: two digits modulo 11. */
export const isNorwegianBirthNumber: Check = (text) => {
  const digits = digitsOf(text);
  return (
    digits.length === 11 &&
    isCalendarDay(2000 + pair(digits, 4), pair(digits, 2) % 40, pair(digits, 0) % 40) &&
    weightedSum(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 === 0 &&
    weightedSum(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0
  );
};

/** Denmark: no check digit since 2007; the day has to exist. */
export const isDanishCpr: Check = (text) => {
  const digits = digitsOf(text);
  return digits.length === 10 && isCalendarDay(2000 + pair(digits, 4), pair(digits, 2), pair(digits, 0));
};

/** Czechia and Slovakia, since 1954: the whole is divisible by 11. */
export const isCzechBirthNumber: Check = (text) => {
  const digits = digitsOf(text);
  const month = pair(digits, 2) % 50 > 20 ? (pair(digits, 2) % 50) - 20 : pair(digits, 2) % 50;
  return (
    digits.length === 10 &&
    isCalendarDay(2000 + pair(digits, 0), month, pair(digits, 4)) &&
    Number(digits.join('')) % 11 === 0
  );
};

export const isRomanianCnp: Check = (text) => {
  const digits = digitsOf(text);
  const rest = weightedSum(digits, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
  return (
    digits.length === 13 &&
    digits[0] !== 0 &&
    isCalendarDay(2000 + pair(digits, 1), pair(digits, 3), pair(digits, 5)) &&
    (rest === 10 ? 1 : rest) === last(digits)
  );
};

export const isBulgarianEgn: Check = (text) => {
  const digits = digitsOf(text);
  const month = pair(digits, 2) % 20;
  const rest = weightedSum(digits, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11;
  return (
    digits.length === 10 &&
    isCalendarDay(2000 + pair(digits, 0), month, pair(digits, 4)) &&
    rest % 10 === last(digits)
  );
};

/** Croatia: ISO 7064 MOD 11,10. */
export const isCroatianOib: Check = (text) => {
  const digits = digitsOf(text);
  const product = digits.slice(0, 10).reduce((carry, digit) => (((digit + carry) % 10 || 10) * 2) % 11, 10);
  return digits.length === 11 && !isOneDigitRepeated(digits) && (11 - product) % 10 === last(digits);
};

export const isAustrianInsurance: Check = (text) => {
  const digits = digitsOf(text);
  const sum = weightedSum(digits, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
  return digits.length === 10 && digits[0] !== 0 && pair(digits, 6) <= 15 && sum % 11 === digits[3];
};

/** Switzerland: an EAN-13 that begins with 756. */
export const isSwissInsurance: Check = (text) => {
  const digits = digitsOf(text);
  const sum = weightedSum(digits, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
  return digits.length === 13 && (10 - (sum % 10)) % 10 === last(digits);
};

const IRISH = 'WABCDEFGHIJKLMNOPQRSTUV';
export const isIrishPps: Check = (text) => {
  const plain = compact(text);
  const second = plain.length === 9 ? IRISH.indexOf(plain[8] ?? '') : 0;
  const sum = weightedSum(digitsOf(plain), [8, 7, 6, 5, 4, 3, 2]) + second * 9;
  return /^\d{7}[A-W][A-IW]?$/.test(plain) && IRISH[sum % 23] === plain[7];
};

export const isPortugueseNif: Check = (text) => {
  const digits = digitsOf(text);
  const rest = weightedSum(digits, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
  return digits.length === 9 && !isOneDigitRepeated(digits) && (rest < 2 ? 0 : 11 - rest) === last(digits);
};

export const isGreekTaxNumber: Check = (text) => {
  const digits = digitsOf(text);
  const sum = weightedSum(digits, [256, 128, 64, 32, 16, 8, 4, 2]);
  return digits.length === 9 && !isOneDigitRepeated(digits) && (sum % 11) % 10 === last(digits);
};

export const isGreekInsurance: Check = (text) => {
  const digits = digitsOf(text);
  return (
    digits.length === 11 &&
    isCalendarDay(2000 + pair(digits, 4), pair(digits, 2), pair(digits, 0)) &&
    passesLuhn(digits.join(''))
  );
};

/** Estonia and Lithuania: modulo 11 with a second row of weights where the first leaves 10. */
export const isBalticPersonal: Check = (text) => {
  const digits = digitsOf(text);
  const first = weightedSum(digits, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
  const second = weightedSum(digits, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
  return (
    digits.length === 11 &&
    isCalendarDay(2000 + pair(digits, 1), pair(digits, 3), pair(digits, 5)) &&
    (first < 10 ? first : second % 10) === last(digits)
  );
};

export const isPolishNip: Check = (text) => {
  const digits = digitsOf(text);
  return digits.length === 10 && weightedSum(digits, [6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 === last(digits);
};

export const isRussianTaxNumber: Check = (text) => {
  const digits = digitsOf(text);
  const holds = (weights: readonly number[]) =>
    (weightedSum(digits, weights) % 11) % 10 === digits[weights.length];
  return digits.length === 12
    ? holds([7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) && holds([3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8])
    : digits.length === 10 && holds([2, 4, 10, 3, 5, 9, 4, 6, 8]);
};

export const isRussianInsurance: Check = (text) => {
  const digits = digitsOf(text);
  const sum = weightedSum(digits, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
  return digits.length === 11 && (sum % 101) % 100 === pair(digits, 9);
};

export const isUkrainianTaxNumber: Check = (text) => {
  const digits = digitsOf(text);
  const sum = weightedSum(digits, [-1, 5, 7, 9, 4, 6, 10, 5, 7]);
  return digits.length === 10 && (((sum % 11) + 11) % 11) % 10 === last(digits);
};
