import type { Budget, BudgetCounter } from '@raypher/shared/rest';

export type BudgetState = 'within' | 'warned' | 'used-up';

/** What is lent may come back, so that a limit is used up only when it is spent. */
export function budgetState(
  { amountMicros, warnAtMicros }: Pick<Budget, 'amountMicros' | 'warnAtMicros'>,
  { spentMicros }: Pick<BudgetCounter, 'spentMicros'>,
): BudgetState {
  if (spentMicros >= amountMicros) return 'used-up';
  return warnAtMicros !== null && spentMicros >= warnAtMicros ? 'warned' : 'within';
}
