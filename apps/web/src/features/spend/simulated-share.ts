import type { Spend } from '@raypher/shared/rest';
import type { Money } from './money.ts';

/** What nobody pays of exact and estimated cost together, in words; empty when it is nothing. */
export function simulatedShare({ totals, simulatedMicros }: Spend, money: Money): string {
  if (simulatedMicros === 0) return '';
  const isAll = simulatedMicros === totals.exactMicros + totals.estimatedMicros;
  return isAll ? 'all of it simulated' : `${money(simulatedMicros)} of it simulated`;
}
