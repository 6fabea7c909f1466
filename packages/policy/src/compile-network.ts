import { type Destination, parseDestination } from './destination.ts';
import { buildHostIndex, type HostIndex } from './host-index.ts';
import type { PolicyLayer } from './layer.ts';
import { compileMatchers, type NetworkMatcher } from './matcher.ts';
import type { NetworkRule, NetworkSection, PolicyMode } from './schema.ts';
import type { Opinion } from './verdict.ts';

export interface CompiledNetworkRule {
  readonly id: string;
  /** Absent: every host. */
  readonly destinations: readonly Destination[] | undefined;
  readonly matchers: readonly NetworkMatcher[];
  /** Whether the rule also matches facts that could not be learnt: those that restrict do. */
  readonly matchesUnreadable: boolean;
  readonly opinion: Opinion;
}

export interface CompiledNetwork {
  readonly rules: readonly CompiledNetworkRule[];
  readonly byHost: HostIndex;
  /** When no rule matches. */
  readonly fallback: Opinion;
}

const NETWORK_DEFAULT_RULE = 'network/default';

/**
 * @throws TypeError for documents that did not come from `parsePolicy`: repeated ids, unreadable destinations.
 */
export function compileNetwork(
  layer: PolicyLayer,
  mode: PolicyMode,
  section: NetworkSection,
): CompiledNetwork {
  const ids = new Set<string>();
  const rules = section.rules.map((rule) => {
    if (ids.has(rule.id))
      throw new TypeError(`rule id "${rule.id}" is used more than once in layer "${layer}"`);
    ids.add(rule.id);
    return compileRule(layer, mode, rule);
  });
  return Object.freeze({
    rules: Object.freeze(rules),
    byHost: buildHostIndex(rules.map((rule) => rule.destinations)),
    fallback: Object.freeze({
      outcome: OUTCOMES[section.default],
      mode,
      layer,
      rule: NETWORK_DEFAULT_RULE,
      reason: `No network rule matched; the default of the ${layer} layer is ${section.default}.`,
    }),
  });
}

const OUTCOMES = { allow: 'ALLOW', deny: 'DENY', prompt: 'PROMPT' } as const;

function compileRule(layer: PolicyLayer, mode: PolicyMode, rule: NetworkRule): CompiledNetworkRule {
  const outcome = OUTCOMES[rule.effect];
  const opinion: Opinion = Object.freeze({
    outcome,
    mode,
    layer,
    rule: rule.id,
    reason: rule.reason ?? `Rule ${rule.id} of the ${layer} layer says ${rule.effect}.`,
    ...(outcome === 'PROMPT' ? { onTimeout: OUTCOMES[rule.on_timeout ?? 'deny'] } : {}),
  });
  return Object.freeze({
    id: rule.id,
    destinations: rule.destinations && Object.freeze(rule.destinations.map(compileDestination)),
    matchers: Object.freeze(compileMatchers(rule)),
    matchesUnreadable: outcome !== 'ALLOW',
    opinion,
  });
}

function compileDestination(pattern: string): Destination {
  const parsed = parseDestination(pattern);
  if (!parsed.ok) throw new TypeError(`"${pattern}" cannot be a destination: ${parsed.problem}`);
  return Object.freeze(parsed.destination);
}
