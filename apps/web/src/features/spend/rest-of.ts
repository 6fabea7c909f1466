import { SpendSums } from '@raypher/shared/rest';

/** What the rows that are not shown are together: with it the rows add up to the totals. */
export function restOf({ totals, rows }: { totals: SpendSums; rows: readonly SpendSums[] }): SpendSums {
  const rest = { ...totals };
  for (const name of SpendSums.keyof().options) {
    rest[name] -= rows.reduce((sum, row) => sum + row[name], 0);
  }
  return rest;
}
