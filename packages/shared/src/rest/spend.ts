import { PriceTable } from '@raypher/cost/price-table';
import { z } from 'zod';
import { Confirmation, Reason, Timestamp } from './common.ts';

/** By what spending is broken down. */
export const SpendGroup = z.enum(['provider', 'team', 'agent', 'user', 'model', 'device']);
export type SpendGroup = z.infer<typeof SpendGroup>;

const MOST_DAYS = 400;
const DAY_MS = 86_400_000;

function daysAgo(days: number): string {
  return new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
}

/** Years that the database and people understand alike. */
const Day = z.iso
  .date()
  .refine((day) => day >= '2000-01-01' && day < '3000-01-01', 'the years are 2000 to 2999');
const Range = {
  /** Days of UTC, both included; the last thirty unless given. */
  from: Day.default(() => daysAgo(29)),
  to: Day.default(() => daysAgo(0)),
};
const isRange = ({ from, to }: { from: string; to: string }) => {
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS;
  return days >= 0 && days < MOST_DAYS;
};
const NOT_A_RANGE = `from must not be after to, and ${MOST_DAYS} days are the most`;

export const SpendQuery = z
  .object({ ...Range, group: SpendGroup.default('provider') })
  .refine(isRange, NOT_A_RANGE);
export type SpendQuery = z.infer<typeof SpendQuery>;

export const SpendSeriesQuery = z.object(Range).refine(isRange, NOT_A_RANGE);
export type SpendSeriesQuery = z.infer<typeof SpendSeriesQuery>;

const count = z.number().int();

/** Money in micro-dollars (millionths of a US dollar). */
export const SpendSums = z.object({
  calls: count,
  inputTokens: count,
  outputTokens: count,
  cachedTokens: count,
  /** As the provider's own figures and list prices say. */
  exactMicros: count,
  /** Where tokens or the price had to be estimated; reckoned high. */
  estimatedMicros: count,
  /** Calls whose cost nobody knows; they are in no sum. */
  unknownCalls: count,
});
export type SpendSums = z.infer<typeof SpendSums>;

export const Spend = z.object({
  from: z.iso.date(),
  to: z.iso.date(),
  group: SpendGroup,
  totals: SpendSums,
  /** What of the totals is of devices that are not real machines: nobody paid it. */
  simulatedMicros: count,
  /** The dearest first; what does not fit is `more`. */
  rows: z.array(
    SpendSums.extend({
      key: z.string(),
      name: z.string(),
      /** All of it is of devices that are not real machines. */
      simulated: z.boolean(),
    }),
  ),
  more: count,
});
export type Spend = z.infer<typeof Spend>;

export const SpendSeries = z.object({
  from: z.iso.date(),
  to: z.iso.date(),
  /** Every day of the range, oldest first. */
  days: z.array(SpendSums.extend({ day: z.iso.date() })),
});
export type SpendSeries = z.infer<typeof SpendSeries>;

/** One counter of a limit in its running period, all devices together. */
export const BudgetCounter = z.object({
  /** A team, provider or model; null where the whole organisation shares it. */
  subject: z.string().nullable(),
  name: z.string(),
  /** Told by devices. */
  spentMicros: count,
  /** Lent to devices and not told as spent: they may be spending it. */
  lentMicros: count,
  remainingMicros: count,
  /** Who uses it, the largest first. */
  devices: z.array(
    z.object({
      deviceId: z.string(),
      hostname: z.string(),
      spentMicros: count,
      lentMicros: count,
      /** Until when it may spend its share without asking. */
      until: Timestamp,
      reportedAt: Timestamp,
    }),
  ),
});
export type BudgetCounter = z.infer<typeof BudgetCounter>;

export const Budget = z.object({
  id: z.string(),
  layer: z.enum(['global', 'team']),
  /** Whose document it stands in; null for the organisation's. */
  team: z.object({ id: z.string(), name: z.string() }).nullable(),
  mode: z.enum(['enforce', 'monitor']),
  per: z.enum(['request', 'hour', 'day', 'month']),
  scope: z.enum(['organisation', 'team', 'user', 'agent', 'provider', 'model']),
  amountMicros: count,
  warnAtMicros: count.nullable(),
  zone: z.string(),
  /** Null for a limit of single calls. */
  resetsAt: Timestamp.nullable(),
  /** `shared`: devices spend of one counter. `device`: each device counts for itself. `call`: nothing is counted. */
  counted: z.enum(['shared', 'device', 'call']),
  counters: z.array(BudgetCounter),
});
export type Budget = z.infer<typeof Budget>;

/** The limits of the running policy. */
export const Budgets = z.object({ revision: count, limits: z.array(Budget) });
export type Budgets = z.infer<typeof Budgets>;

/** More than anybody maintains by hand, and little enough to travel with every policy. */
const MOST_PRICES = 500;

export const Prices = PriceTable.refine(
  ({ models }) => models.length <= MOST_PRICES,
  `${MOST_PRICES} prices are the most`,
);

export const OrganisationPrices = z.object({
  prices: PriceTable,
  updatedAt: Timestamp.nullable(),
  updatedBy: z.string().nullable(),
});
export type OrganisationPrices = z.infer<typeof OrganisationPrices>;

/** They travel with the policy: a change is a new revision of it. */
export const PutPrices = z.object({ prices: Prices, reason: Reason, confirm: Confirmation });
export type PutPrices = z.infer<typeof PutPrices>;
