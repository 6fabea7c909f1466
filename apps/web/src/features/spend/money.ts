const CENTS = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const SMALL = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 2,
  maximumFractionDigits: 6,
  maximumSignificantDigits: 2,
});

/** For large type: what is below a cent says only that. */
export function roundMoney(micros: number): string {
  return micros > 0 && micros < 10_000 ? '< $0.01' : CENTS.format(micros / 1e6);
}

/** Micro-dollars as dollars: cents, or two digits that say something below ten of them. @example formatMoney(1_500_000) // "$1.50" */
export function formatMoney(micros: number): string {
  const dollars = micros / 1e6;
  return dollars !== 0 && Math.abs(dollars) < 0.1 ? SMALL.format(dollars) : CENTS.format(dollars);
}
