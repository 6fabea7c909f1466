import { boundOf } from './call-bound.ts';
import type { Exchange } from './exchange.ts';
import type { ProxyContext } from './proxy-context.ts';

/** Before a call is decided: what it may need of limits that other devices spend of too is asked for. */
export async function prepareMoney(context: ProxyContext, exchange: Exchange): Promise<void> {
  const { policy, spending, prices, failed } = context;
  const { destination, caller, method, path, models } = exchange;
  const { host, port, provider } = destination;
  if (spending === undefined || provider === undefined) return;
  const limits = models.flatMap((model) =>
    policy.limitsFor({
      action: 'model.call',
      host,
      port,
      provider: provider.id,
      model,
      method,
      path,
      agent: caller.agent,
    }),
  );
  if (limits.length === 0) return;
  try {
    await spending.prepare(limits, () => {
      const cost = boundOf(prices, exchange)?.cost;
      return cost?.known === true ? cost.micros : undefined;
    });
  } catch (error) {
    // The decision will find the store as it is.
    failed(error);
  }
}
