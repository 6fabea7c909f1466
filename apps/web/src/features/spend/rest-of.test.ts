import type { SpendSums } from '@raypher/shared/rest';
import { expect, it } from 'vitest';
import { restOf } from './rest-of.ts';

const sums = (exactMicros: number, calls: number): SpendSums => ({
  calls,
  inputTokens: calls * 10,
  outputTokens: calls,
  cachedTokens: 0,
  exactMicros,
  estimatedMicros: calls,
  unknownCalls: 1,
});

it('rows that are shown and what is not shown are the total, in every number', () => {
  const rows = [sums(700, 7), sums(200, 2)];
  const totals = { ...sums(1_000, 10), unknownCalls: 3 };
  expect(restOf({ totals, rows })).toEqual(sums(100, 1));
});
