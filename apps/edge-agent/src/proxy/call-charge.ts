import { isOrder } from '@raypher/cost';
import type { CallCost } from './answer-reader.ts';
import type { CallDecision } from './decide-call.ts';
import type { Exchange } from './exchange.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { Outcome } from './relay.ts';

/**
 * What a call cost, from what the provider reported, else reckoned: whoever hangs up before the usage is told is
 * charged as well. Undefined for a call that no provider charges: it failed, or uses no model.
 */
export function chargeOf(
  { prices }: Pick<ProxyContext, 'prices'>,
  exchange: Exchange,
  { bound }: CallDecision,
  { reader }: Outcome,
): CallCost | undefined {
  if (reader === undefined || exchange.models.length === 0) return undefined;
  const charge = reader.cost(prices, bound?.outputLimit, bound?.inputEstimate);
  return isOrder(exchange.destination.path) ? { ...charge, cost: { known: false, reason: 'batch' } } : charge;
}
