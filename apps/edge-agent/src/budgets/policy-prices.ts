import {
  OverriddenPrices,
  PackagedPrices,
  type PriceBook,
  type PriceTable,
  type RateCard,
} from '@raypher/cost';

/** The prices that came with the agent, and above them those that the organisation sends with its policy. */
export class PolicyPrices implements PriceBook {
  readonly #packaged = new PackagedPrices();
  #book: PriceBook = this.#packaged;

  /** @param table undefined: the organisation has no prices of its own */
  use(table: PriceTable | undefined): void {
    this.#book = table === undefined ? this.#packaged : new OverriddenPrices(table, this.#packaged);
  }

  find(provider: string, model: string, at: number): RateCard | undefined {
    return this.#book.find(provider, model, at);
  }

  dearest(provider: string, at: number): RateCard | undefined {
    return this.#book.dearest(provider, at);
  }
}
