const CENTS = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const SMALL = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 2,
  maximumFractionDigits: 6,
  maximumSignificantDigits: 2,
});

/** Writes an amount of micro-dollars. */
export type Money = (micros: number) => string;

/**
 * How amounts that stand beside their sum are written: all to the same digit. Cents where the sum is a dollar or more,
 * finer where cents would say nothing.
 *
 * @example moneyLike(2_000_000)(1_234_567) // "$1.23"
 * @example moneyLike(40_000)(1_234) // "$0.0012"
 */
export function moneyLike(sumMicros: number): Money {
  const digits = sumMicros >= 1_000_000 || sumMicros === 0 ? 2 : sumMicros >= 10_000 ? 4 : 6;
  const format = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  const least = 10 ** (6 - digits);
  return (micros) =>
    micros > 0 && micros < least ? `< ${format.format(least / 1e6)}` : format.format(micros / 1e6);
}

/** For large type: what is below a cent says only that. */
export function roundMoney(micros: number): string {
  return micros > 0 && micros < 10_000 ? '< $0.01' : CENTS.format(micros / 1e6);
}

/** Micro-dollars as dollars: cents, or two digits that say something below ten of them. @example formatMoney(1_500_000) // "$1.50" */
export function formatMoney(micros: number): string {
  const dollars = micros / 1e6;
  return dollars !== 0 && Math.abs(dollars) < 0.1 ? SMALL.format(dollars) : CENTS.format(dollars);
}
