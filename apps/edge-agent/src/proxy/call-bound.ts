import { type PriceBook, type UpperBound, upperBoundOf } from '@raypher/cost';
import type { Exchange } from './exchange.ts';

/**
 * What a call costs at most; undefined when nobody can look at all of it, or tell how it is read, so that nothing bounds it.
 *
 * @param model that is called, in the place of what the request names; `null`: it could not be learnt
 */
export function boundOf(prices: PriceBook, exchange: Exchange, model: string | null): UpperBound | undefined {
  const { bounds } = exchange;
  if (!bounds.has(model)) bounds.set(model, workOut(prices, exchange, model));
  return bounds.get(model);
}

function workOut(prices: PriceBook, exchange: Exchange, model: string | null): UpperBound | undefined {
  const { destination, models } = exchange;
  // What goes over a WebSocket comes later, and as long as it likes.
  if (exchange.isOpaque || exchange.upgrade !== undefined || exchange.isUnclear) return undefined;
  return upperBoundOf(
    {
      provider: destination.provider?.id ?? '',
      path: destination.path,
      // One that could not be learnt is priced as the dearest.
      models: models.length > 1 ? models.map((one) => one ?? '') : [model ?? ''],
      body: exchange.unknownJson,
      input: exchange.input,
      at: Date.now(),
    },
    prices,
  );
}
