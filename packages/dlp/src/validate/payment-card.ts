import { digitsOf, isOneDigitRepeated } from './digits.ts';
import { passesLuhn } from './luhn.ts';

/** First digits (as a range of equally long prefixes) and lengths that each brand issues. */
const BRANDS: readonly { from: number; to: number; lengths: readonly number[] }[] = [
  { from: 4, to: 4, lengths: [13, 16, 19] }, // Visa
  { from: 51, to: 55, lengths: [16] }, // Mastercard
  { from: 2221, to: 2720, lengths: [16] }, // Mastercard
  { from: 34, to: 34, lengths: [15] }, // American Express
  { from: 37, to: 37, lengths: [15] }, // American Express
  { from: 6011, to: 6011, lengths: [16, 17, 18, 19] }, // Discover
  { from: 644, to: 659, lengths: [16, 17, 18, 19] }, // Discover
  { from: 622126, to: 622925, lengths: [16, 17, 18, 19] }, // Discover, UnionPay
  { from: 62, to: 62, lengths: [16, 17, 18, 19] }, // UnionPay
  { from: 81, to: 81, lengths: [16, 17, 18, 19] }, // UnionPay
  { from: 3528, to: 3589, lengths: [16, 17, 18, 19] }, // JCB
  { from: 300, to: 305, lengths: [14] }, // Diners Club
  { from: 3095, to: 3095, lengths: [14] }, // Diners Club
  { from: 36, to: 36, lengths: [14, 15, 16, 17, 18, 19] }, // Diners Club
  { from: 38, to: 39, lengths: [14, 16, 17, 18, 19] }, // Diners Club
  { from: 50, to: 50, lengths: [12, 13, 14, 15, 16, 17, 18, 19] }, // Maestro
  { from: 56, to: 58, lengths: [12, 13, 14, 15, 16, 17, 18, 19] }, // Maestro
  { from: 67, to: 67, lengths: [12, 13, 14, 15, 16, 17, 18, 19] }, // Maestro
  { from: 6304, to: 6304, lengths: [12, 13, 14, 15, 16, 17, 18, 19] }, // Maestro
  { from: 2200, to: 2204, lengths: [16, 17, 18, 19] }, // Mir
  { from: 60, to: 60, lengths: [16] }, // RuPay
  { from: 508, to: 508, lengths: [16] }, // RuPay
  { from: 9792, to: 9792, lengths: [16] }, // Troy
  { from: 1, to: 1, lengths: [15] }, // UATP
];

/** A number of a brand's range and length whose Luhn digit holds. */
export function isPaymentCard(text: string): boolean {
  const digits = digitsOf(text);
  if (isOneDigitRepeated(digits)) return false;
  const prefix = digits.slice(0, 6).join('');
  const known = BRANDS.some(({ from, to, lengths }) => {
    const start = Number(prefix.slice(0, String(from).length));
    return start >= from && start <= to && lengths.includes(digits.length);
  });
  return known && passesLuhn(text);
}
