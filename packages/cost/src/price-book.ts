import type { RateCard } from './rate-card.ts';

/** Where prices come from. Times are milliseconds since the epoch: prices change, some by the hour. */
export interface PriceBook {
  /** @returns undefined when the model is not known; that is never a price of zero */
  find(provider: string, model: string, at: number): RateCard | undefined;
  /**
   * A card that holds, class by class, the dearest rate of any known model of the provider.
   *
   * @returns undefined when the provider is not known
   */
  dearest(provider: string, at: number): RateCard | undefined;
}
