import type { LayeredDocument, PolicyLayer } from './layer.ts';
import type { CompiledLimit, CompiledLimits } from './limit.ts';
import { compileMatchers, type Matcher } from './matcher.ts';
import { buildRuleIndex, type RuleIndex } from './rule-index.ts';
import type { DowngradeRule, PolicyMode } from './schema.ts';

interface CompiledAlias {
  readonly rule: string;
  readonly provider: string | undefined;
  readonly model: string;
  readonly reason: string;
}

export interface CompiledDowngrade {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  /** It leads to something cheaper, so that what could not be learnt counts for it. */
  readonly matchesUnreadable: true;
  readonly budget: { readonly limit: CompiledLimit; readonly above: number } | undefined;
  readonly model: string;
  readonly reason: string;
}

/** The routing of one layer, ready to be asked. */
export interface CompiledRouting {
  readonly layer: PolicyLayer;
  readonly mode: PolicyMode;
  /** By name, in lower case. */
  readonly aliases: ReadonlyMap<string, CompiledAlias>;
  readonly downgrades: readonly CompiledDowngrade[];
  readonly index: RuleIndex;
}

/** @returns `undefined` for a document without routing */
export function compileRouting(
  { layer, document }: LayeredDocument,
  timezone: string,
  financial: CompiledLimits | undefined,
): CompiledRouting | undefined {
  const { routing, mode } = document;
  if (routing === undefined) return undefined;
  const aliases = Object.entries(routing.aliases ?? {}).map(([name, { provider, model }]) => {
    const rule = `routing/aliases/${name}`;
    const reason = `${name} is the ${layer} layer's name for ${model}.`;
    return [name.toLowerCase(), Object.freeze({ rule, provider, model, reason })] as const;
  });
  const downgrades = (routing.downgrade ?? []).map((rule) =>
    compileDowngrade(layer, rule, timezone, financial),
  );
  return Object.freeze({
    layer,
    mode,
    aliases: new Map(aliases),
    downgrades: Object.freeze(downgrades),
    index: buildRuleIndex(downgrades),
  });
}

function compileDowngrade(
  layer: PolicyLayer,
  rule: DowngradeRule,
  timezone: string,
  financial: CompiledLimits | undefined,
): CompiledDowngrade {
  const { id, budget, to, reason } = rule;
  const limit = budget && financial?.limits.find((one) => one.id === budget.limit);
  if (budget !== undefined && limit === undefined) {
    throw new TypeError(`rule "${id}" is about a limit "${budget.limit}" that its layer does not have`);
  }
  return Object.freeze({
    id,
    matchers: compileMatchers(rule, timezone),
    matchesUnreadable: true,
    budget: budget && limit && Object.freeze({ limit, above: budget.above }),
    model: to.model,
    reason: reason ?? `Rule ${id} of the ${layer} layer sends this call to ${to.model}.`,
  });
}
