import { z } from 'zod';

/** A limit in force, as `raypher budget` shows it; the service and the command line agree on it here. */
export const BudgetStatus = z.object({
  layer: z.enum(['global', 'team', 'local']),
  mode: z.enum(['enforce', 'monitor']),
  id: z.string(),
  per: z.enum(['request', 'hour', 'day', 'month']),
  scope: z.enum(['organisation', 'team', 'user', 'agent', 'provider', 'model']),
  amountMicros: z.number(),
  warnAtMicros: z.number().nullable(),
  /** ISO, UTC; null for a limit of single calls. */
  resetsAt: z.string().nullable(),
  /** Other devices spend of it too. */
  shared: z.boolean(),
  /** Those that were used in this period, here. */
  counters: z.array(
    z.object({
      /** Whose it is; null where everybody shares it. */
      subject: z.string().nullable(),
      spentMicros: z.number(),
      reservedMicros: z.number(),
      /** What this device may spend of it alone, all in all. */
      lease: z.object({ grantedMicros: z.number(), until: z.string() }).nullable(),
    }),
  ),
});
export type BudgetStatus = z.infer<typeof BudgetStatus>;
