import {
  calcPrice,
  findProvider,
  type ModelInfo,
  type ModelPrice,
  type Provider,
} from '@pydantic/genai-prices';
import { dearestCard } from './dearest-card.ts';
import type { Rate } from './micros.ts';
import { outputLimitOf } from './output-limits.ts';
import type { PriceBook } from './price-book.ts';
import type { RateCard, TieredRate } from './rate-card.ts';
import type { TokenClass } from './token-class.ts';

/** What the package calls a class of tokens. */
const PRICE_KEYS: Readonly<Record<TokenClass, string>> = {
  input: 'input_mtok',
  cacheRead: 'cache_read_mtok',
  cacheWrite: 'cache_write_mtok',
  cacheWriteHour: 'cache_write_1h_mtok',
  audioInput: 'input_audio_mtok',
  imageInput: 'input_image_mtok',
  output: 'output_mtok',
  reasoning: 'output_reasoning_mtok',
  audioOutput: 'output_audio_mtok',
  imageOutput: 'output_image_mtok',
};

/** Prices by the hour of the day change on quarters of an hour. */
const PRICES_HOLD_MS = 15 * 60_000;
/** Names of models come from outside. */
const MOST_REMEMBERED = 1_000;
const LONGEST_NAME = 256;

/**
 * The prices that `@pydantic/genai-prices` is shipped with: offline, with tiers, cache rates and dates.
 * Names of models are matched by its rules: dated and suffixed names of a family are known too.
 */
export class PackagedPrices implements PriceBook {
  /** Looking a model up takes up to 300 µs among several hundred; that none was found is remembered as well. */
  readonly #models = new Map<string, Remembered>();
  readonly #dearest = new Map<string, Remembered>();

  find(providerId: string, model: string, at: number): RateCard | undefined {
    if (model.length > LONGEST_NAME) return undefined;
    return remember(this.#models, `${providerId} ${model}`, at, () => {
      const provider = findProvider({ providerId });
      const info =
        provider === undefined
          ? undefined
          : calcPrice({}, model, { provider, timestamp: new Date(at) })?.model;
      return provider === undefined || info === undefined ? undefined : cardOf(provider, info, at);
    });
  }

  dearest(providerId: string, at: number): RateCard | undefined {
    return remember(this.#dearest, providerId, at, () => {
      const provider = findProvider({ providerId });
      if (provider === undefined) return undefined;
      const cards = provider.models.flatMap((info) => cardOf(provider, info, at) ?? []);
      return dearestCard(provider.id, cards);
    });
  }
}

interface Remembered {
  /** The quarter of an hour, counted from the epoch, for which it was found. */
  readonly quarter: number;
  readonly card: RateCard | undefined;
}

function remember(
  known: Map<string, Remembered>,
  key: string,
  at: number,
  find: () => RateCard | undefined,
): RateCard | undefined {
  const quarter = Math.floor(at / PRICES_HOLD_MS);
  const remembered = known.get(key);
  if (remembered?.quarter === quarter) return remembered.card;
  const card = find();
  if (known.size >= MOST_REMEMBERED) known.clear();
  known.set(key, { quarter, card });
  return card;
}

/** @returns undefined for models that are not sold by the token */
function cardOf(provider: Provider, info: ModelInfo, at: number): RateCard | undefined {
  const prices = pricesAt(provider, info, at);
  const rates: Partial<Record<TokenClass, TieredRate>> = {};
  for (const [tokenClass, key] of Object.entries(PRICE_KEYS)) {
    const rate = tieredRate(prices[key]);
    // Object.entries widens the keys of PRICE_KEYS to string.
    if (rate !== undefined) rates[tokenClass as TokenClass] = rate;
  }
  if (rates.input === undefined && rates.output === undefined) return undefined;
  const perThousandSearches = prices.web_searches_kcount;
  return {
    provider: provider.id,
    model: info.id,
    rates,
    perSearch: typeof perThousandSearches === 'number' ? wholeRate(perThousandSearches * 1_000) : undefined,
    contextWindow: info.context_window,
    outputLimit: outputLimitOf(info.id),
  };
}

function pricesAt(provider: Provider, info: ModelInfo, at: number): ModelPrice {
  if (!Array.isArray(info.prices)) return info.prices;
  const only: Provider = { ...provider, models: [{ ...info, match: { contains: '' } }] };
  return calcPrice({}, info.id, { provider: only, timestamp: new Date(at) })?.model_price ?? {};
}

function tieredRate(price: ModelPrice[string]): TieredRate | undefined {
  if (price === undefined) return undefined;
  if (typeof price === 'number') return { base: wholeRate(price), tiers: [] };
  const tiers = price.tiers.map((tier) => ({ above: tier.start, rate: wholeRate(tier.price) }));
  return { base: wholeRate(price.base), tiers: tiers.sort((a, b) => a.above - b.above) };
}

/** Dollars per million, in which lists write prices, as micro-dollars per million. */
function wholeRate(dollarsPerMillion: number): Rate {
  return Math.round(dollarsPerMillion * 1e6);
}
