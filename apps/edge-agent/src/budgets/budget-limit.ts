import { z } from 'zod';

/** What a limit counts together. */
export const BUDGET_SCOPES = ['agent', 'user', 'team', 'model', 'provider', 'all'] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

export const BUDGET_WINDOWS = ['request', 'hour', 'day', 'month'] as const;
export type BudgetWindow = (typeof BUDGET_WINDOWS)[number];

/** One limit of money, in micro-dollars. */
export const BudgetLimit = z
  .strictObject({
    id: z.string().min(1).max(128),
    scope: z.enum(BUDGET_SCOPES),
    /** Whom it binds: an agent, user, team, model or provider; `*` gives each one a budget of its own. */
    key: z.string().min(1).max(256).default('*'),
    /** `request` bounds each call alone. */
    window: z.enum(BUDGET_WINDOWS),
    limitMicros: z.int().min(0),
    /** IANA name; days and months begin at its midnight. Hours begin on the hour of UTC. */
    zone: z.string().refine(isZone, 'is not a time zone').default('UTC'),
    /** Percent of the limit at which to warn, once for each window. */
    warnAt: z.array(z.int().min(1).max(100)).max(8).default([]),
    /** Shared by several machines: this one may spend only what the control plane has leased to it. */
    leased: z.boolean().default(false),
  })
  .refine(({ leased, window }) => !leased || window !== 'request', 'one request has nothing to lease');

export type BudgetLimit = z.infer<typeof BudgetLimit>;

/** Of a call that is about to be paid for. What is not known of it is left out. */
export type BudgetedCall = Partial<Record<Exclude<BudgetScope, 'all'>, string>>;

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
