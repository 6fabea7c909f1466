import type { Mismatch, RuleExplanation, SectionExplanation } from './explain.ts';
import type { Facts } from './facts.ts';
import type { PolicyLayer } from './layer.ts';
import {
  type CompiledLimit,
  type CompiledLimits,
  eachLimit,
  isAmount,
  limitOpinion,
  toApplicable,
} from './limit.ts';
import { type Opinion, strictness } from './verdict.ts';

/** The limits that a call has to keep; none when it has to keep none, as nothing is said about it then. */
export function explainLimits(
  layer: PolicyLayer,
  financial: CompiledLimits,
  facts: Facts,
): SectionExplanation[] {
  const rules: RuleExplanation[] = [];
  let strictest: Opinion | undefined;
  eachLimit(financial, facts, (limit) => {
    const opinion = limitOpinion(layer, limit, facts);
    const amount = [amountOf(layer, limit, facts)];
    rules.push({
      id: limit.id,
      outcome: limit.whenExceeded.outcome,
      ...(opinion === undefined
        ? { status: 'not-matched', mismatches: amount }
        : { status: 'matched', mismatches: [], matches: amount }),
    });
    if (opinion !== undefined && (strictest === undefined || strictness(opinion) > strictness(strictest))) {
      strictest = opinion;
    }
  });
  if (rules.length === 0) return [];
  const decidedBy = strictest === undefined ? 'silent' : 'rule';
  return [{ section: 'financial', decidedBy, opinion: strictest, rules, nearestMisses: [] }];
}

/** What counts against the limit, as far as it is known. */
function amountOf(layer: PolicyLayer, limit: CompiledLimit, facts: Facts): Mismatch {
  const { cost, balances } = facts.request;
  const { counter } = toApplicable(layer, limit, facts);
  const balance = balances !== undefined && Object.hasOwn(balances, counter) ? balances[counter] : undefined;
  const counted =
    limit.limit.per === 'request'
      ? []
      : [`spent ${dollars(balance?.spent)}`, `reserved ${dollars(balance?.reserved)}`];
  return {
    matcher: 'amount',
    wanted: [`${dollars(limit.amount)} per ${limit.limit.per}`],
    actual: [`this call ${dollars(cost)}`, ...counted],
  };
}

function dollars(amount: number | null | undefined): string {
  return isAmount(amount) ? `$${amount / 1e6}` : 'not known';
}
