import type { Micros } from './micros.ts';
import type { PriceBook } from './price-book.ts';
import { listPrice, type RateCard, rateOf } from './rate-card.ts';
import { surchargePercent } from './surcharge.ts';
import type { TokenClass } from './token-class.ts';
import type { Usage } from './usage.ts';

/** `batch`: the call orders any number of answers, which come and are charged later. */
export type UnknownCost = 'unknown-provider' | 'batch';

/** Unknown is not zero: `micros` exists only when something is known. */
export type Cost =
  | {
      readonly known: true;
      readonly micros: Micros;
      /** True when tokens or prices are our own estimate, which is reckoned high. */
      readonly estimated: boolean;
      /** Whose rates were used; `*` for the dearest of the provider, undefined for the provider's own figure. */
      readonly pricedAs: string | undefined;
    }
  | { readonly known: false; readonly reason: UnknownCost };

export interface PricedCall {
  readonly provider: string;
  /** As asked for. */
  readonly model: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Classes whose parent's rate is no stand-in: where lists are silent, these commonly cost more. */
const DEARER_THAN_PARENT: readonly TokenClass[] = ['audioInput', 'imageInput', 'audioOutput', 'imageOutput'];

/**
 * What a call cost: the provider's own figure where it gives one, else the list price of the model that answered.
 * A model nobody knows is priced as the dearest known one of the provider.
 */
export function costOf(usage: Usage, call: PricedCall, book: PriceBook): Cost {
  if (usage.reportedMicros !== undefined) {
    return { known: true, micros: usage.reportedMicros, estimated: false, pricedAs: undefined };
  }
  const percent = surchargePercent(usage.surcharges);
  for (const card of cardsFor(usage.model, call, book)) {
    const micros = listPrice(card, usage.tokens, usage.searches, percent);
    if (micros === undefined) continue;
    const estimated = usage.estimated || card.model === '*' || percent !== 100 || isGuessed(card, usage);
    return { known: true, micros, estimated, pricedAs: card.model };
  }
  return { known: false, reason: 'unknown-provider' };
}

/** The best known first. */
function cardsFor(answered: string | undefined, call: PricedCall, book: PriceBook): RateCard[] {
  const named = [answered, call.model].flatMap((model) =>
    model === undefined ? [] : (book.find(call.provider, model, call.at) ?? []),
  );
  return [...named, book.dearest(call.provider, call.at) ?? []].flat();
}

function isGuessed(card: RateCard, usage: Usage): boolean {
  return DEARER_THAN_PARENT.some(
    (tokenClass) => usage.tokens[tokenClass] > 0 && rateOf(card, tokenClass) !== card.rates[tokenClass],
  );
}
