import { compact, digitsOf, isCalendarDay, isOneDigitRepeated, weightedSum } from './digits.ts';
import { passesLuhn } from './luhn.ts';

/** Every check takes the number as written and ignores separators. Sources: the issuing authorities' specifications. */
type Check = (text: string) => boolean;

const last = (digits: readonly number[]): number => digits.at(-1) ?? -1;

/** Sum of digit × weight leaves nothing. */
function balanced(weights: readonly number[], modulus: number): Check {
  return (text) => {
    const digits = digitsOf(text);
    return (
      digits.length === weights.length &&
      !isOneDigitRepeated(digits) &&
      weightedSum(digits, weights) % modulus === 0
    );
  };
}

/** United States: area, group and serial never zero, area never 666 or 9xx; numbers of advertisements left out. */
export const isUsSsn: Check = (text) => {
  const digits = digitsOf(text).join('');
  return (
    /^(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}$/.test(digits) &&
    !['078051120', '219099999', '457555462', '123456789', '111111111'].includes(digits) &&
    !/^(\d)\1{8}$/.test(digits)
  );
};

/** Groups that the IRS assigns: 50–65, 70–88, 90–92, 94–99. */
export const isUsItin: Check = (text) =>
  /^9\d{2}(?:5\d|6[0-5]|7\d|8[0-8]|9[0-2]|9[4-9])\d{4}$/.test(digitsOf(text).join(''));

export const isAbaRouting: Check = (text) =>
  /^(?:0\d|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)/.test(digitsOf(text).join('')) &&
  balanced([3, 7, 1, 3, 7, 1, 3, 7, 1], 10)(text);

export const isUsNpi: Check = (text) =>
  !isOneDigitRepeated(digitsOf(text)) && passesLuhn(`80840${digitsOf(text).join('')}`);

export const isDeaNumber: Check = (text) => {
  const digits = digitsOf(text).slice(-7);
  return digits.length === 7 && weightedSum(digits, [1, 2, 1, 2, 1, 2]) % 10 === last(digits);
};

export const isUkNhs: Check = balanced([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 11);

/** Germany, identification number: no digit occurs more than three times, check digit by ISO 7064 MOD 11,10. */
export const isGermanTaxId: Check = (text) => {
  const digits = digitsOf(text);
  const counts = digits
    .slice(0, 10)
    .reduce((seen, digit) => seen.with(digit, (seen[digit] ?? 0) + 1), Array(10).fill(0));
  const most = Math.max(...counts);
  return digits.length === 11 && digits[0] !== 0 && most <= 3 && iso7064Mod11(digits);
};

export const isGermanVatId: Check = (text) => digitsOf(text).length === 9 && iso7064Mod11(digitsOf(text));

function iso7064Mod11(digits: readonly number[]): boolean {
  const product = digits.slice(0, -1).reduce((carry, digit) => {
    const sum = (digit + carry) % 10 || 10;
    return (sum * 2) % 11;
  }, 10);
  return (11 - product) % 10 === last(digits);
}

export const isGermanSocialSecurity: Check = (text) => {
  const plain = compact(text);
  const letter = plain.charCodeAt(8) - 64;
  const digits = digitsOf(`${plain.slice(0, 8)}${String(letter).padStart(2, '0')}${plain.slice(9)}`);
  const sum = weightedSum(digits, [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]);
  const crossSum = digits
    .slice(0, 12)
    .reduce(
      (total, digit, index) => total + crossDigit(digit * ([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1][index] ?? 0)),
      0,
    );
  const month = Number(plain.slice(4, 6));
  const day = Number(plain.slice(2, 4)) % 50;
  return sum > 0 && month >= 1 && month <= 12 && day <= 31 && crossSum % 10 === last(digits);
};

const crossDigit = (product: number): number => Math.floor(product / 10) + (product % 10);

/** ICAO 9303 check digit with weights 7, 3, 1, as German identity cards and passports carry it. */
export const isGermanDocument: Check = (text) => {
  const plain = compact(text);
  const sum = [...plain.slice(0, 9)].reduce(
    (total, character, index) => total + Number.parseInt(character, 36) * ([7, 3, 1][index % 3] ?? 0),
    0,
  );
  return plain.length === 10 ? sum % 10 === Number(plain[9]) : plain.length === 9 && germanNineth(plain);
};

function germanNineth(plain: string): boolean {
  const sum = [...plain.slice(0, 8)].reduce(
    (total, character, index) => total + Number.parseInt(character, 36) * ([7, 3, 1][index % 3] ?? 0),
    0,
  );
  return sum % 10 === Number(plain[8]);
}

export const isGermanHealthInsurance: Check = (text) => {
  const plain = compact(text);
  const digits = digitsOf(String(plain.charCodeAt(0) - 64).padStart(2, '0') + plain.slice(1, 10));
  const sum = digits
    .slice(0, 10)
    .reduce((total, digit, index) => total + crossDigit(digit * (index % 2 === 0 ? 1 : 2)), 0);
  return plain.length === 10 && sum % 10 === last(digits);
};

/** France, NIR: 97 minus the number modulo 97; Corsica's letters stand for 19 and 18. */
export const isFrenchNir: Check = (text) => {
  const plain = compact(text)
    .replace(/^(.{5})2A/, '$119')
    .replace(/^(.{5})2B/, '$118');
  if (!/^[1-478]\d{14}$/.test(plain)) return false;
  return 97 - Number(BigInt(plain.slice(0, 13)) % 97n) === Number(plain.slice(13));
};

const SPANISH = 'TRWAGMYFPDXBNJZSQVHLCKE';
export const isSpanishNif: Check = (text) => {
  const plain = compact(text);
  const number = plain.slice(0, -1).replace(/^[XYZ]/, (letter) => String('XYZ'.indexOf(letter)));
  return /^\d{7,8}$/.test(number) && SPANISH[Number(number) % 23] === plain.at(-1);
};

/** Italy: odd places count by this table, even ones by value; the sum modulo 26 is the last letter. */
const ITALIAN_ODD = [
  1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];
export const isItalianFiscalCode: Check = (text) => {
  const plain = compact(text);
  const value = (character: string) =>
    /\d/.test(character) ? Number(character) : character.charCodeAt(0) - 65;
  const sum = [...plain.slice(0, 15)].reduce(
    (total, character, index) =>
      total + (index % 2 === 0 ? (ITALIAN_ODD[value(character)] ?? 0) : value(character)),
    0,
  );
  return plain.length === 16 && String.fromCharCode(65 + (sum % 26)) === plain[15];
};

export const isPesel: Check = (text) => {
  const digits = digitsOf(text);
  const month = (digits[2] ?? 0) * 10 + (digits[3] ?? 0);
  const day = (digits[4] ?? 0) * 10 + (digits[5] ?? 0);
  return (
    month % 20 >= 1 &&
    month % 20 <= 12 &&
    day >= 1 &&
    day <= 31 &&
    digits.length === 11 &&
    weightedSum(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0
  );
};

export const isDutchBsn: Check = balanced([9, 8, 7, 6, 5, 4, 3, 2, -1], 11);

function mod11Digit(digits: readonly number[], weights: readonly number[]): number {
  const rest = weightedSum(digits, weights) % 11;
  return rest < 2 ? 0 : 11 - rest;
}

export const isBrazilianCpf: Check = (text) => {
  const digits = digitsOf(text);
  return (
    digits.length === 11 &&
    !isOneDigitRepeated(digits) &&
    mod11Digit(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) === digits[9] &&
    mod11Digit(digits, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) === digits[10]
  );
};

export const isBrazilianCnpj: Check = (text) => {
  const digits = digitsOf(text);
  return (
    digits.length === 14 &&
    !isOneDigitRepeated(digits) &&
    mod11Digit(digits, [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) === digits[12] &&
    mod11Digit(digits, [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) === digits[13]
  );
};

export const isAustralianTfn: Check = balanced([1, 4, 3, 7, 5, 8, 6, 9, 10], 11);
export const isAustralianAbn: Check = (text) => {
  const digits = digitsOf(text);
  return (
    digits.length === 11 &&
    digits[0] !== 0 &&
    weightedSum(digits.with(0, (digits[0] ?? 0) - 1), [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) % 89 === 0
  );
};
export const isAustralianAcn: Check = (text) => {
  const digits = digitsOf(text);
  return (
    digits.length === 9 && (10 - (weightedSum(digits, [8, 7, 6, 5, 4, 3, 2, 1]) % 10)) % 10 === last(digits)
  );
};
export const isAustralianMedicare: Check = (text) => {
  const digits = digitsOf(text);
  return (
    digits.length >= 10 &&
    digits.length <= 11 &&
    weightedSum(digits, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === digits[8]
  );
};

export const isCanadianSin: Check = (text) =>
  !/^[08]/.test(text) && !isOneDigitRepeated(digitsOf(text)) && passesLuhn(text);

export const isSwedishPersonnummer: Check = (text) => {
  const digits = digitsOf(text).slice(-10);
  const month = (digits[2] ?? 0) * 10 + (digits[3] ?? 0);
  const day = ((digits[4] ?? 0) * 10 + (digits[5] ?? 0)) % 60;
  return (
    digits.length === 10 &&
    isCalendarDay(2000 + (digits[0] ?? 0) * 10 + (digits[1] ?? 0), month, day || 1) &&
    passesLuhn(digits.join(''))
  );
};
export const isSwedishOrganisation: Check = (text) => (digitsOf(text)[2] ?? 0) >= 2 && passesLuhn(text);

const FINNISH = '0123456789ABCDEFHJKLMNPRSTUVWXY';
export const isFinnishPersonalId: Check = (text) => {
  const number = Number(text.slice(0, 6) + text.slice(7, 10));
  return (
    isCalendarDay(2000 + Number(text.slice(4, 6)), Number(text.slice(2, 4)), Number(text.slice(0, 2))) &&
    FINNISH[number % 31] === text.at(-1)?.toUpperCase()
  );
};

const SINGAPORE: Readonly<Record<string, [offset: number, letters: string]>> = {
  S: [0, 'JZIHGFEDCBA'],
  T: [4, 'JZIHGFEDCBA'],
  F: [0, 'XWUTRQPNMLK'],
  G: [4, 'XWUTRQPNMLK'],
  M: [3, 'XWUTRQPNJLK'],
};
export const isSingaporeNric: Check = (text) => {
  const plain = compact(text);
  const [offset, letters] = SINGAPORE[plain[0] ?? ''] ?? [0, ''];
  const rest = (offset + weightedSum(digitsOf(plain), [2, 7, 6, 5, 4, 3, 2])) % 11;
  return letters[plain.startsWith('M') ? 10 - rest : rest] === plain.at(-1) || letters[rest] === plain.at(-1);
};

export const isItalianVat: Check = (text) => !isOneDigitRepeated(digitsOf(text)) && passesLuhn(text);

/** Lifelong number of doctors in Germany (KBV): the seventh digit checks the six before it, a group of experts follows. */
export function isGermanDoctor(text: string): boolean {
  const digits = digitsOf(text);
  const check = (10 - (weightedSum(digits, [4, 9, 4, 9, 4, 9]) % 10)) % 10;
  return digits.length === 9 && digits[6] === check && !/00$/.test(text);
}
