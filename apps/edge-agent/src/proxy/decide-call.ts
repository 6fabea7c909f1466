import type { UpperBound } from '@raypher/cost';
import type { ApplicableLimit, Balance, ModelCallRequest, ModelRoute, Verdict } from '@raypher/policy';
import type { AddressFacts } from '../egress/reach.ts';
import { strictest } from '../egress/severity.ts';
import { boundOf } from './call-bound.ts';
import type { Exchange } from './exchange.ts';
import type { ModelName } from './model-name.ts';
import type { ProxyContext } from './proxy-context.ts';

/** What policy says about a call as it stands. */
export interface CallDecision {
  readonly verdict: Verdict;
  /** Of the models that the call names, the one that the verdict is about. */
  readonly model: ModelName | undefined;
  /** What is known of the address that the verdict is about. */
  readonly address: AddressFacts;
  /** What the call has to be counted against; empty when nothing limits it. */
  readonly limits: readonly ApplicableLimit[];
  /** Where policy sends the call instead, also where that is only recorded. */
  readonly route: ModelRoute | undefined;
  /** What it costs at most; undefined when nobody can say, or nothing asks for it. */
  readonly bound: UpperBound | undefined;
}

/** What policy said, and all that it was asked beside what stays the same for one request. */
export interface RememberedDecision extends Asked {
  readonly policy: object;
  readonly balances: Readonly<Record<string, Balance>>;
  readonly decision: CallDecision;
}

/**
 * Decides about a call: connection, model and money. A request may name several models; the strictest verdict about
 * any of them counts, and every limit that any of them has to keep. Reads counters and decides in one turn, so whoever
 * holds the money in the same turn holds what was decided on.
 *
 * @param addresses what is known of the addresses that the request may be sent to; all of those of its route unless given
 */
export function decideCall(
  context: ProxyContext,
  exchange: Exchange,
  addresses: readonly AddressFacts[] = exchange.addresses,
): CallDecision {
  const models = exchange.models.length === 0 ? [undefined] : exchange.models;
  const all = addresses.flatMap((address) =>
    models.map((model) => ask(context, exchange, { model, address })),
  );
  const worst = strictest(all);
  if (all.length === 1) return worst;
  const limits = new Map(all.flatMap((one) => one.limits.map((limit) => [limit.counter, limit])));
  return { ...worst, limits: [...limits.values()] };
}

interface Asked {
  readonly model: ModelName | undefined;
  readonly address: AddressFacts;
}

function ask(context: ProxyContext, exchange: Exchange, { model, address }: Asked): CallDecision {
  const known = rememberedDecision(context, exchange, { model, address });
  if (known !== undefined) return known;
  const { destination, caller } = exchange;
  const { host, port, provider } = destination;
  const connection = {
    host,
    port,
    ...address,
    model,
    method: exchange.method,
    path: exchange.path,
    agent: caller.agent,
  };
  if (provider === undefined || model === undefined) {
    const verdict = context.policy.decide({
      action: 'network.connect',
      ...connection,
      provider: provider?.id,
    });
    return { verdict, model, address, route: undefined, limits: [], bound: undefined };
  }
  const asked: ModelCallRequest = { action: 'model.call', ...connection, provider: provider.id, model };
  const route = context.policy.routeModel(
    asked,
    (limit) => balancesOf(context, [limit])?.[limit.counter] ?? null,
  );
  const call = route?.enforced === true ? { ...asked, model: route.model } : asked;
  const limits = context.policy.limitsFor(call);
  if (limits.length === 0) {
    return {
      verdict: context.policy.decide(call),
      model: call.model,
      address,
      route,
      limits,
      bound: undefined,
    };
  }
  const bound = boundOf(context.prices, exchange, call.model);
  const cost = bound?.cost.known === true ? bound.cost.micros : null;
  const balances = balancesOf(context, limits);
  const verdict = context.policy.decide({ ...call, cost, balances });
  const decision = { verdict, model: call.model, address, route, limits, bound };
  const { steady } = context.policy;
  exchange.decided =
    steady === undefined || balances === undefined
      ? undefined
      : { policy: steady, model, address, balances, decision };
  return decision;
}

/**
 * A call is decided before and after it was looked through. Nothing but the policy and the balances can be others by
 * then; balances are read anew each time, and while all of it is the same, so is the answer.
 */
function rememberedDecision(
  context: ProxyContext,
  { decided }: Exchange,
  { model, address }: Asked,
): CallDecision | undefined {
  const isSameQuestion =
    decided !== undefined &&
    decided.policy === context.policy.steady &&
    decided.model === model &&
    decided.address === address;
  if (!isSameQuestion) return undefined;
  const now = balancesOf(context, decided.decision.limits);
  return now !== undefined && isSame(decided.balances, now) ? decided.decision : undefined;
}

/** Both are about the same limits. */
function isSame(before: Readonly<Record<string, Balance>>, now: Readonly<Record<string, Balance>>): boolean {
  return Object.entries(now).every(
    ([counter, { spent, reserved }]) =>
      before[counter]?.spent === spent && before[counter]?.reserved === reserved,
  );
}

/** A store that cannot be used knows no balance, and a limit without a balance holds. */
function balancesOf(
  { spending, failed }: ProxyContext,
  limits: readonly ApplicableLimit[],
): Record<string, Balance> | undefined {
  try {
    return spending?.balancesOf(limits);
  } catch (error) {
    failed(error);
    return undefined;
  }
}
