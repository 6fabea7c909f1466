import { expect, it } from 'vitest';
import { formatMoney, moneyLike, roundMoney } from './money.ts';

it.each([
  [0, '$0.00'],
  [1, '$0.000001'],
  [1_234, '$0.0012'],
  [10_000, '$0.01'],
  [15_000, '$0.015'],
  [150_000, '$0.15'],
  [1_500_000, '$1.50'],
  [1_234_567_890_000, '$1,234,567.89'],
])('%d micro-dollars read %s', (micros, text) => {
  expect(formatMoney(micros)).toBe(text);
});

it('in large type is in cents, and less than one is not nothing', () => {
  expect([0, 8, 9_999, 10_000].map(roundMoney)).toEqual(['$0.00', '< $0.01', '< $0.01', '$0.01']);
});

it.each([
  [0, ['$0.00', '< $0.01', '$0.12', '$1.23']],
  [12_000, ['$0.0000', '< $0.0001', '$0.1234', '$1.2346']],
  [999, ['$0.000000', '$0.000012', '$0.123400', '$1.234567']],
  [1_000_000, ['$0.00', '< $0.01', '$0.12', '$1.23']],
])('beside a sum of %d micro-dollars all amounts go to the same digit', (sum, texts) => {
  expect([0, 12, 123_400, 1_234_567].map(moneyLike(sum))).toEqual(texts);
});
