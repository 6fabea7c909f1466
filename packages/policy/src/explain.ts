import type { CompiledLayer, PolicySnapshot } from './compile.ts';
import type { CompiledNetworkRule } from './compile-network.ts';
import { decide } from './decide.ts';
import { destinationMatches, formatDestination } from './destination.ts';
import { normaliseHost } from './host.ts';
import type { PolicyLayer } from './layer.ts';
import { type NetworkFacts, networkFacts } from './matcher.ts';
import type { ActionRequest } from './request.ts';
import type { PolicyMode } from './schema.ts';
import type { Opinion, Outcome, Verdict } from './verdict.ts';

/** Why a verdict came out as it did, layer by layer and rule by rule. */
export interface Explanation {
  readonly verdict: Verdict;
  /** What the rules were compared with; absent when the request's host is not one. */
  readonly host: string | undefined;
  readonly layers: readonly LayerExplanation[];
}

export interface LayerExplanation {
  readonly layer: PolicyLayer;
  readonly mode: PolicyMode;
  /** `silent`: the layer has no section for this action, or nothing could be compared. */
  readonly decidedBy: 'rule' | 'default' | 'silent';
  readonly opinion: Opinion | undefined;
  readonly rules: readonly RuleExplanation[];
}

export interface RuleExplanation {
  readonly id: string;
  readonly outcome: Outcome;
  /** `not-reached`: an earlier rule had matched. */
  readonly status: 'matched' | 'not-matched' | 'not-reached';
  /** The conditions that did not hold; changing all of them would have made the rule match. */
  readonly mismatches: readonly Mismatch[];
}

export interface Mismatch {
  /** As the document calls it: `destinations`, `models`, `agents.users`. */
  readonly matcher: string;
  readonly wanted: readonly string[];
  /** `null`: there is a value but it could not be learnt. `undefined`: there is none. */
  readonly actual: string | readonly string[] | null | undefined;
}

/**
 * The same decision as {@link decide}, made by trying every rule in turn, with the reasons kept. For people,
 * not for the hot path.
 */
export function explain(snapshot: PolicySnapshot, request: ActionRequest): Explanation {
  const host = normaliseHost(request.host);
  const facts = host === undefined ? undefined : networkFacts(request, host);
  const layers = snapshot.layers.map((layer) => explainLayer(layer, facts));
  return { verdict: decide(snapshot, request), host, layers };
}

function explainLayer(
  { layer, mode, network }: CompiledLayer,
  facts: NetworkFacts | undefined,
): LayerExplanation {
  if (network === undefined || facts === undefined) {
    return { layer, mode, decidedBy: 'silent', opinion: undefined, rules: [] };
  }
  let matched: CompiledNetworkRule | undefined;
  const rules = network.rules.map((rule): RuleExplanation => {
    const { id, opinion } = rule;
    if (matched !== undefined) return { id, outcome: opinion.outcome, status: 'not-reached', mismatches: [] };
    const mismatches = mismatchesOf(rule, facts);
    if (mismatches.length > 0) return { id, outcome: opinion.outcome, status: 'not-matched', mismatches };
    matched = rule;
    return { id, outcome: opinion.outcome, status: 'matched', mismatches };
  });
  const decidedBy = matched === undefined ? 'default' : 'rule';
  return { layer, mode, decidedBy, opinion: matched?.opinion ?? network.fallback, rules };
}

function mismatchesOf(rule: CompiledNetworkRule, facts: NetworkFacts): Mismatch[] {
  const mismatches: Mismatch[] = [];
  const { destinations } = rule;
  if (destinations !== undefined && !destinations.some((one) => destinationMatches(one, facts.host))) {
    const wanted = destinations.map(formatDestination);
    mismatches.push({ matcher: 'destinations', wanted, actual: facts.host });
  }
  for (const matcher of rule.matchers) {
    const result = matcher.test(facts);
    if (result === 'yes' || (result === 'unreadable' && rule.matchesUnreadable)) continue;
    mismatches.push({ matcher: matcher.name, wanted: matcher.wanted, actual: matcher.actual(facts) });
  }
  return mismatches;
}
