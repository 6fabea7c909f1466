import type { Mismatch, RuleExplanation, SectionExplanation } from './explain.ts';
import type { Facts } from './facts.ts';
import type { PolicyLayer } from './layer.ts';
import { type CompiledLimit, type CompiledLimits, eachLimit, limitOpinion } from './limit.ts';
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
    rules.push({
      id: limit.id,
      outcome: limit.whenExceeded.outcome,
      status: opinion === undefined ? 'not-matched' : 'matched',
      mismatches: opinion === undefined ? [kept(limit, facts)] : [],
    });
    if (opinion !== undefined && (strictest === undefined || strictness(opinion) > strictness(strictest))) {
      strictest = opinion;
    }
  });
  if (rules.length === 0) return [];
  const decidedBy = strictest === undefined ? 'silent' : 'rule';
  return [{ section: 'financial', decidedBy, opinion: strictest, rules, nearestMisses: [] }];
}

function kept(limit: CompiledLimit, facts: Facts): Mismatch {
  const { cost } = facts.request;
  return {
    matcher: 'amount',
    wanted: [`over $${limit.amount / 1e6} per ${limit.limit.per}`],
    actual: typeof cost === 'number' ? `$${cost / 1e6} for this call, and what is spent and reserved` : null,
  };
}
