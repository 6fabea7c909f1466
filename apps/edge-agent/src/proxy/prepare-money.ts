import type { ModelCallRequest } from '@raypher/policy';
import { boundOf } from './call-bound.ts';
import type { Exchange } from './exchange.ts';
import type { ProxyContext } from './proxy-context.ts';

/** Before a call is decided: what it may need of limits that other devices spend of too is asked for. */
export async function prepareMoney(context: ProxyContext, exchange: Exchange): Promise<void> {
  const { spending, failed, policy } = context;
  const { destination, caller, method, path, models } = exchange;
  const { host, port, provider } = destination;
  if (spending === undefined || spending.isAlone === true || provider === undefined) return;
  const connection = { host, port, provider: provider.id, method, path, agent: caller.agent };
  try {
    for (const model of models) {
      const asked: ModelCallRequest = { action: 'model.call', ...connection, model };
      await prepareFor(context, exchange, asked);
      // Where it is sent instead may depend on what is left now, and has counters of its own.
      const route = policy.routeModel(asked, (limit) => spending.balancesOf([limit])[limit.counter] ?? null);
      if (route?.enforced === true) await prepareFor(context, exchange, { ...asked, model: route.model });
    }
  } catch (error) {
    // The decision will find the store as it is.
    failed(error);
  }
}

async function prepareFor(
  { policy, spending, prices }: ProxyContext,
  exchange: Exchange,
  call: ModelCallRequest,
): Promise<void> {
  const limits = policy.limitsFor(call);
  if (limits.length === 0) return;
  await spending?.prepare(limits, () => {
    const cost = boundOf(prices, exchange, call.model)?.cost;
    return cost?.known === true ? cost.micros : undefined;
  });
}
