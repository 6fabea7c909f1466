import { compileGlob } from './glob.ts';
import type { NetworkConnectRequest, RequestingAgent } from './request.ts';
import type { NetworkRule } from './schema.ts';

/** A request's facts in the form that matchers compare: folded once per decision, not once per rule. */
export interface NetworkFacts {
  readonly host: string;
  readonly provider: string | undefined;
  readonly model: string | null | undefined;
  readonly agent: RequestingAgent | null | undefined;
}

/** `unreadable`: the fact exists but could not be learnt. */
type MatchResult = 'yes' | 'no' | 'unreadable';

/** One condition of a rule other than its destinations. */
export interface NetworkMatcher {
  /** As the document calls it: `models`, `agents.users`. */
  readonly name: string;
  readonly wanted: readonly string[];
  test(facts: NetworkFacts): MatchResult;
  /** The value that was compared; `null` when it is unreadable, `undefined` when there is none. */
  actual(facts: NetworkFacts): string | readonly string[] | null | undefined;
}

export function networkFacts(request: NetworkConnectRequest, host: string): NetworkFacts {
  const { agent, model, provider } = request;
  return {
    host,
    provider: provider?.toLowerCase(),
    model: model?.toLowerCase() ?? model,
    agent: agent
      ? {
          ...agent,
          name: agent.name.toLowerCase(),
          libraries: agent.libraries.map((name) => name.toLowerCase()),
        }
      : agent,
  };
}

/** The conditions of a rule, cheapest first; all must hold. */
export function compileMatchers(rule: NetworkRule): NetworkMatcher[] {
  const { agents } = rule;
  return [
    matcher('providers', rule.providers, IGNORE_CASE, (facts) => facts.provider),
    matcher('models', rule.models, IGNORE_CASE, (facts) => facts.model),
    matcher(
      'agents.ids',
      agents?.ids,
      IGNORE_CASE,
      ofAgent((agent) => agent.id),
    ),
    matcher(
      'agents.users',
      agents?.users,
      EXACT_CASE,
      ofAgent((agent) => agent.user),
    ),
    matcher(
      'agents.names',
      agents?.names,
      IGNORE_CASE,
      ofAgent((agent) => agent.name),
    ),
    matcher(
      'agents.libraries',
      agents?.libraries,
      IGNORE_CASE,
      ofAgent((agent) => agent.libraries),
    ),
  ].filter((candidate) => candidate !== undefined);
}

const IGNORE_CASE = (pattern: string) => pattern.toLowerCase();
const EXACT_CASE = (pattern: string) => pattern;

/** Keeps the difference between no agent (`undefined`) and one that could not be identified (`null`). */
function ofAgent(read: (agent: RequestingAgent) => string | readonly string[]): NetworkMatcher['actual'] {
  return ({ agent }) => (agent ? read(agent) : agent);
}

function matcher(
  name: string,
  wanted: readonly string[] | undefined,
  fold: (pattern: string) => string,
  actual: NetworkMatcher['actual'],
): NetworkMatcher | undefined {
  if (wanted === undefined) return undefined;
  const globs = wanted.map((pattern) => compileGlob(fold(pattern)));
  const fits = (value: string) => globs.some((glob) => glob(value));
  return Object.freeze({
    name,
    wanted: Object.freeze([...wanted]),
    actual,
    test(facts: NetworkFacts): MatchResult {
      const value = actual(facts);
      if (value === undefined) return 'no';
      if (value === null) return 'unreadable';
      return (typeof value === 'string' ? fits(value) : value.some(fits)) ? 'yes' : 'no';
    },
  });
}
