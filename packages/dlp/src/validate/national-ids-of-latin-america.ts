import { compact, digitsOf, isCalendarDay, weightedSum } from './digits.ts';

/** Every check takes the number as written and ignores separators. Sources: the issuing authorities' specifications. */
type Check = (text: string) => boolean;

const CURP = '0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ';
/** Mexico: a day that exists, and a check digit over letters and digits. */
export const isMexicanCurp: Check = (text) => {
  const plain = text.toUpperCase();
  const sum = [...plain.slice(0, 17)].reduce(
    (total, character, index) => total + CURP.indexOf(character) * (18 - index),
    0,
  );
  return hasMexicanDay(plain) && (10 - (sum % 10)) % 10 === Number(plain[17]);
};

/** Six digits behind four letters are the day of birth. */
function hasMexicanDay(plain: string): boolean {
  const [year, month, day] = [plain.slice(4, 6), plain.slice(6, 8), plain.slice(8, 10)].map(Number);
  return isCalendarDay(2000 + (year ?? 0), month ?? 0, day ?? 0);
}

export const isMexicanRfc: Check = (text) => hasMexicanDay(compact(text));

/** Chile: modulo 11 with the weights 2 to 7 from the right, K for ten. */
export const isChileanRut: Check = (text) => {
  const plain = compact(text);
  const sum = [...plain.slice(0, -1)]
    .reverse()
    .reduce((total, digit, index) => total + Number(digit) * (2 + (index % 6)), 0);
  return '0K987654321'[sum % 11] === plain.at(-1);
};

export const isArgentineCuit: Check = (text) => {
  const digits = digitsOf(text);
  return digits.length === 11 && weightedSum(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0;
};
