import { invalidHost, noPolicy, notGoverned } from './builtin.ts';
import type { PolicySnapshot } from './compile.ts';
import type { CompiledNetwork, CompiledNetworkRule } from './compile-network.ts';
import { normaliseHost } from './host.ts';
import { firstMatch } from './host-index.ts';
import { type NetworkFacts, networkFacts } from './matcher.ts';
import type { ActionRequest, NetworkConnectRequest } from './request.ts';
import { joinOpinions, type Opinion, type Verdict } from './verdict.ts';

/**
 * Decides an action. Within a layer the first rule that matches speaks, else the layer's default; a layer
 * without a section for the action is silent. Across layers the most restrictive opinion wins, so a lower
 * layer can only tighten. Without any layer the answer is DENY.
 *
 * Never throws, keeps no state, does no I/O.
 *
 * @example
 * const verdict = decide(snapshot, { action: 'network.connect', host: 'api.deepseek.com', port: 443 });
 * if (withoutAnswer(verdict.effective) === 'DENY') refuse(verdict.effective.reason);
 */
export function decide(snapshot: PolicySnapshot, request: ActionRequest): Verdict {
  if (snapshot.layers.length === 0) return joinOpinions([noPolicy()], snapshot.revision);
  switch (request.action) {
    case 'network.connect':
      return joinOpinions(networkOpinions(snapshot, request), snapshot.revision);
  }
}

function networkOpinions(snapshot: PolicySnapshot, request: NetworkConnectRequest): [Opinion, ...Opinion[]] {
  const host = normaliseHost(request.host);
  if (host === undefined) return [invalidHost(snapshot)];
  const facts = networkFacts(request, host);
  const [first, ...others] = snapshot.layers
    .map(({ network }) => network && networkOpinion(network, facts))
    .filter((opinion) => opinion !== undefined);
  return first === undefined ? [notGoverned(snapshot)] : [first, ...others];
}

function networkOpinion(network: CompiledNetwork, facts: NetworkFacts): Opinion {
  const { byHost, rules, fallback } = network;
  const matched = firstMatch(byHost, facts.host, (rule) => matchersHold(rules[rule], facts));
  return rules[matched]?.opinion ?? fallback;
}

function matchersHold(rule: CompiledNetworkRule | undefined, facts: NetworkFacts): boolean {
  if (rule === undefined) return false;
  for (const matcher of rule.matchers) {
    const result = matcher.test(facts);
    if (result === 'no' || (result === 'unreadable' && !rule.matchesUnreadable)) return false;
  }
  return true;
}
