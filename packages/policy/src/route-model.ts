import type { PolicySnapshot } from './compile.ts';
import type { CompiledDowngrade, CompiledRouting } from './compile-routing.ts';
import { Facts } from './facts.ts';
import type { PolicyLayer } from './layer.ts';
import { type ApplicableLimit, isAmount, toApplicable } from './limit.ts';
import { matchersHold } from './matcher.ts';
import { placeOf } from './place.ts';
import type { Balance, ModelCallRequest } from './request.ts';
import { allMatches } from './rule-index.ts';

/** One step from a model to another. */
export interface RouteStep {
  readonly from: string;
  readonly to: string;
  readonly layer: PolicyLayer;
  /** A rule id of the document, or `routing/aliases/NAME`. */
  readonly rule: string;
  readonly reason: string;
}

/** Where a call goes instead, at the same provider. */
export interface ModelRoute {
  readonly model: string;
  /** Of the last step. */
  readonly layer: PolicyLayer;
  /** Of the last step. */
  readonly rule: string;
  readonly reason: string;
  /** False: only layers in monitor mode say so. It is for the record, and the call goes where it was going. */
  readonly enforced: boolean;
  readonly steps: readonly [RouteStep, ...RouteStep[]];
}

/** The state of counters, by what {@link ApplicableLimit.counter} names, or looked up one by one. */
export type Balances =
  | Readonly<Record<string, Balance>>
  | ((limit: ApplicableLimit) => Balance | null | undefined);

/** How often one layer, or all aliases together, may send a call on. */
const MAX_STEPS = 4;

/**
 * Which model is to be called in place of the one that is asked for, if any. It decides nothing: whoever calls
 * the model that this leads to asks {@link decide} about it, so that routing never relaxes anything.
 *
 * Of the layers the highest whose downgrade matches speaks, and layers below it are not asked again: none of them
 * can lead a call on from where a higher one sent it. Aliases are resolved where no downgrade matches. A chain is
 * bounded, and ends where it comes back to a model it has been to.
 *
 * Pure. A balance that is not known counts as used up.
 *
 * A model that could not be read, or is not named, may be any: a downgrade that may be for it counts, so that hiding
 * a name is no way around it. Its step then begins at the empty name.
 *
 * @returns `undefined`: nothing changes
 */
export function routeModel(
  snapshot: PolicySnapshot,
  request: ModelCallRequest,
  balances: Balances = request.balances ?? {},
): ModelRoute | undefined {
  const routing = snapshot.layers.map((layer) => layer.routing).filter((one) => one !== undefined);
  const found = routing.length === 0 ? undefined : placeOf(request);
  if (found?.ok !== true) return undefined;
  const enforced = routing.filter(({ mode }) => mode === 'enforce');
  if (request.model === null) return fromUnreadable(enforced, new Facts(request, found.place), balances);
  return (
    follow(enforced, request, request.model, found.place, balances, true) ??
    (enforced.length === routing.length
      ? undefined
      : follow(routing, request, request.model, found.place, balances, false))
  );
}

function fromUnreadable(
  layers: readonly CompiledRouting[],
  facts: Facts,
  balances: Balances,
): ModelRoute | undefined {
  for (const routing of layers) {
    const downgrade = matchingDowngrade(routing, facts, balances);
    if (downgrade === undefined) continue;
    const { id: rule, model, reason } = downgrade;
    const said = { layer: routing.layer, rule, reason };
    const step = Object.freeze({ from: '', to: model, ...said });
    return Object.freeze({ model, ...said, enforced: true, steps: Object.freeze([step] as const) });
  }
  return undefined;
}

interface Step extends RouteStep {
  /** Layers that may still speak. */
  readonly ceiling: number;
}

function follow(
  layers: readonly CompiledRouting[],
  request: ModelCallRequest,
  asked: string,
  place: string | undefined,
  balances: Balances,
  enforced: boolean,
): ModelRoute | undefined {
  const steps: RouteStep[] = [];
  const taken = new Map<string, number>();
  const visited = new Set([asked]);
  let [model, ceiling] = [asked, layers.length];
  for (;;) {
    // What another model costs is for the caller to find out when it decides about it.
    const cost = model === asked ? request.cost : null;
    const facts = new Facts({ ...request, model, cost }, place);
    const step = nextStep(layers.slice(0, ceiling), facts, model, balances, taken);
    if (step === undefined) break;
    ({ ceiling } = step);
    // It is where the layer wants it.
    if (step.to === model) break;
    const { from, to, layer, rule, reason } = step;
    steps.push(Object.freeze({ from, to, layer, rule, reason }));
    model = to;
    if (visited.has(model)) break;
    visited.add(model);
  }
  const [first, ...rest] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined || model === asked) return undefined;
  const { layer, rule, reason } = last;
  return Object.freeze({
    model,
    layer,
    rule,
    reason,
    enforced,
    steps: Object.freeze([first, ...rest] as const),
  });
}

const ALIASES = 'aliases';

function nextStep(
  layers: readonly CompiledRouting[],
  facts: Facts,
  model: string,
  balances: Balances,
  taken: Map<string, number>,
): Step | undefined {
  for (const [position, routing] of layers.entries()) {
    const { layer } = routing;
    if ((taken.get(layer) ?? 0) >= MAX_STEPS) continue;
    const rule = matchingDowngrade(routing, facts, balances);
    if (rule === undefined) continue;
    taken.set(layer, (taken.get(layer) ?? 0) + 1);
    return { from: model, to: rule.model, layer, rule: rule.id, reason: rule.reason, ceiling: position + 1 };
  }
  if ((taken.get(ALIASES) ?? 0) >= MAX_STEPS) return undefined;
  const { provider } = facts.request;
  for (const { layer, aliases } of layers) {
    const alias = aliases.get(model.toLowerCase());
    if (alias === undefined || (alias.provider !== undefined && alias.provider !== provider)) continue;
    taken.set(ALIASES, (taken.get(ALIASES) ?? 0) + 1);
    const { rule, reason } = alias;
    return { from: model, to: alias.model, layer, rule, reason, ceiling: layers.length };
  }
  return undefined;
}

function matchingDowngrade(
  { layer, downgrades, index }: CompiledRouting,
  facts: Facts,
  balances: Balances,
): CompiledDowngrade | undefined {
  if (downgrades.length === 0) return undefined;
  for (const number of allMatches(index, downgrades, facts)) {
    const rule = downgrades[number];
    if (rule !== undefined && isUsedUp(layer, rule.budget, facts, balances)) return rule;
  }
  return undefined;
}

function isUsedUp(
  layer: PolicyLayer,
  budget: CompiledDowngrade['budget'],
  facts: Facts,
  balances: Balances,
): boolean {
  if (budget === undefined) return true;
  const { limit, above } = budget;
  // A call that the limit is not for uses nothing of it.
  if (!matchersHold(limit.matchers, facts, limit.matchesUnreadable)) return false;
  const applicable = toApplicable(layer, limit, facts);
  const balance = balanceOf(applicable, balances);
  if (!isAmount(balance?.spent) || !isAmount(balance.reserved)) return true;
  return balance.spent + balance.reserved > applicable.amount * above;
}

function balanceOf(limit: ApplicableLimit, balances: Balances): Balance | null | undefined {
  if (typeof balances === 'function') return balances(limit);
  return Object.hasOwn(balances, limit.counter) ? balances[limit.counter] : undefined;
}
