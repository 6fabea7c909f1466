import { consequence, type LayerContext } from './compile-section.ts';
import { toMicroDollars } from './condition.ts';
import type { Facts } from './facts.ts';
import { type FieldName, fieldNumber } from './field.ts';
import type { PolicyLayer } from './layer.ts';
import { compileMatchers, type Matcher } from './matcher.ts';
import type { MicroDollars } from './request.ts';
import { allMatches, buildRuleIndex, type RuleIndex } from './rule-index.ts';
import type { PolicyMode, SpendLimit } from './schema.ts';
import type { Opinion } from './verdict.ts';

export interface CompiledLimit {
  readonly id: string;
  readonly limit: Readonly<Pick<SpendLimit, 'per' | 'scope'>>;
  readonly amount: MicroDollars;
  readonly warnAt: MicroDollars | undefined;
  readonly zone: string;
  readonly matchers: readonly Matcher[];
  /** A call of which is not known whether the limit is for it counts against it. */
  readonly matchesUnreadable: true;
  readonly whenExceeded: Opinion;
  /** The cost or the balance is not known: nobody can say that the limit is kept. */
  readonly whenUnknown: Opinion;
}

export interface CompiledLimits {
  readonly limits: readonly CompiledLimit[];
  readonly index: RuleIndex;
}

/** A limit that a call has to keep, and where its counter is. */
export interface ApplicableLimit {
  readonly layer: PolicyLayer;
  readonly id: string;
  readonly per: SpendLimit['per'];
  readonly scope: SpendLimit['scope'];
  readonly amount: MicroDollars;
  /** From here on a warning is due. */
  readonly warnAt: MicroDollars | undefined;
  /** Whether the layer carries out what it says. */
  readonly mode: PolicyMode;
  /** IANA name, of the layer: its calendar says when a period begins (see `periodAt`). */
  readonly zone: string;
  /** Names the counter; the same for all calls that share it. The period is for the caller to begin anew. */
  readonly counter: string;
}

/** What tells the counters of one limit apart. */
const SCOPE_FIELDS: Record<SpendLimit['scope'], FieldName | undefined> = {
  organisation: undefined,
  team: 'agent.team',
  user: 'agent.user',
  agent: 'agent.id',
  provider: 'provider',
  model: 'model',
};

export function compileLimits(limits: readonly SpendLimit[], context: LayerContext): CompiledLimits {
  const { layer, mode, timezone } = context;
  const compiled = limits.map((limit): CompiledLimit => {
    const { id, amount, per, scope, effect, warn_at } = limit;
    const base = { ...consequence(effect, limit), mode, layer, rule: id, section: 'financial' } as const;
    const bound = `$${amount} ${per === 'request' ? 'for one call' : `per ${per} and ${scope}`}`;
    return Object.freeze({
      id,
      limit: Object.freeze({ per, scope }),
      amount: toMicroDollars(amount),
      warnAt: warn_at === undefined ? undefined : toMicroDollars(amount * warn_at),
      zone: timezone,
      matchers: compileMatchers(limit, timezone),
      matchesUnreadable: true,
      whenExceeded: Object.freeze({
        ...base,
        reason: limit.reason ?? `This call would go over ${bound}, the limit ${id} of the ${layer} layer.`,
      }),
      whenUnknown: Object.freeze({
        ...base,
        reason: `Whether this call keeps ${bound}, the limit ${id} of the ${layer} layer, cannot be known.`,
      }),
    });
  });
  return Object.freeze({ limits: Object.freeze(compiled), index: buildRuleIndex(compiled) });
}

/** Calls `visit` for each limit that a call has to keep, once, in the order of the document. */
export function eachLimit(
  { limits, index }: CompiledLimits,
  facts: Facts,
  visit: (limit: CompiledLimit) => void,
): void {
  for (const number of allMatches(index, limits, facts)) {
    const limit = limits[number];
    if (limit !== undefined) visit(limit);
  }
}

/** What the limit says about a call; `undefined` when the call keeps it. */
export function limitOpinion(layer: PolicyLayer, limit: CompiledLimit, facts: Facts): Opinion | undefined {
  const { cost, balances } = facts.request;
  if (!isAmount(cost)) return limit.whenUnknown;
  if (limit.limit.per === 'request') return cost > limit.amount ? limit.whenExceeded : undefined;
  const counter = counterOf(layer, limit, facts);
  const balance = balances !== undefined && Object.hasOwn(balances, counter) ? balances[counter] : undefined;
  if (!isAmount(balance?.spent) || !isAmount(balance.reserved)) return limit.whenUnknown;
  return balance.spent + balance.reserved + cost > limit.amount ? limit.whenExceeded : undefined;
}

export function toApplicable(layer: PolicyLayer, limit: CompiledLimit, facts: Facts): ApplicableLimit {
  const { id, amount, warnAt, zone } = limit;
  const { mode } = limit.whenExceeded;
  return { layer, id, ...limit.limit, amount, warnAt, mode, zone, counter: counterOf(layer, limit, facts) };
}

/** JSON, so that no value can be taken for a separator. */
function counterOf(layer: PolicyLayer, { id, limit }: CompiledLimit, facts: Facts): string {
  const field = SCOPE_FIELDS[limit.scope];
  const shared = field === undefined ? undefined : facts.get(fieldNumber(field));
  return JSON.stringify([layer, id, limit.per, limit.scope, shared ?? null]);
}

/** Nothing that compares as false with everything, and nothing that gives credit. */
export function isAmount(amount: number | null | undefined): amount is number {
  return typeof amount === 'number' && Number.isFinite(amount) && amount >= 0;
}
