import { z } from 'zod';
import { dearestCard } from './dearest-card.ts';
import type { PriceBook } from './price-book.ts';
import type { RateCard, TieredRate } from './rate-card.ts';
import { TOKEN_CLASSES, type TokenClass } from './token-class.ts';

const Rate = z.int().min(0);

/** One rate, or rates by the length of the prompt. */
const WrittenRate = z.union([
  Rate,
  z.strictObject({
    base: Rate,
    tiers: z.array(z.strictObject({ above: z.int().min(0), rate: Rate })).max(16),
  }),
]);
type WrittenRate = z.infer<typeof WrittenRate>;

const Rates = z
  .partialRecord(z.enum(TOKEN_CLASSES), WrittenRate)
  .refine(
    (rates) => rates.input !== undefined && rates.output !== undefined,
    'needs at least "input" and "output"',
  );

/**
 * Prices that an organisation sets itself: of models that are too new to be known, of its own contracts, of its own
 * machines (zero is a price, when somebody writes it). Money is in micro-dollars per million.
 *
 * @example
 * { "version": 1, "models": [
 *   { "provider": "openai", "model": "gpt-9*", "rates": { "input": 2500000, "output": 10000000 } } ] }
 */
export const PriceTable = z.strictObject({
  version: z.literal(1),
  models: z
    .array(
      z.strictObject({
        provider: z.string().min(1).max(64),
        /** Exact, or the beginning of names when it ends in `*`. */
        model: z
          .string()
          .min(1)
          .max(256)
          .regex(/^[^*]*\*?$/, 'may have a "*" at its end only'),
        rates: Rates,
        perSearch: Rate.optional(),
        contextWindow: z.int().min(1).optional(),
        outputLimit: z.int().min(1).optional(),
      }),
    )
    .max(10_000),
});

export type PriceTable = z.infer<typeof PriceTable>;

/** What the table holds comes first; what it does not, from the other book. */
export class OverriddenPrices implements PriceBook {
  readonly #exact = new Map<string, RateCard>();
  /** The longest first. */
  readonly #beginnings: readonly RateCard[];
  readonly #cards = new Map<string, RateCard[]>();
  readonly #below: PriceBook;

  constructor(table: PriceTable, below: PriceBook) {
    this.#below = below;
    const cards = table.models.map((entry): RateCard => ({ ...entry, rates: ratesOf(entry.rates) }));
    for (const card of cards) {
      if (!card.model.endsWith('*')) this.#exact.set(`${card.provider} ${card.model}`.toLowerCase(), card);
      this.#cards.set(card.provider, [...(this.#cards.get(card.provider) ?? []), card]);
    }
    this.#beginnings = cards
      .filter((card) => card.model.endsWith('*'))
      .toSorted((a, b) => b.model.length - a.model.length);
  }

  find(provider: string, model: string, at: number): RateCard | undefined {
    const name = model.toLowerCase();
    return (
      this.#exact.get(`${provider} ${name}`.toLowerCase()) ??
      this.#beginnings.find(
        (card) => card.provider === provider && name.startsWith(card.model.slice(0, -1).toLowerCase()),
      ) ??
      this.#below.find(provider, model, at)
    );
  }

  /** A table adds to what is known of a provider: a cheap entry in it does not make unknown models cheap. */
  dearest(provider: string, at: number): RateCard | undefined {
    const below = this.#below.dearest(provider, at);
    const own = this.#cards.get(provider) ?? [];
    if (own.length === 0) return below;
    return dearestCard(provider, below === undefined ? own : [...own, below]);
  }
}

function ratesOf(written: Partial<Record<TokenClass, WrittenRate>>): RateCard['rates'] {
  const rates: Partial<Record<TokenClass, TieredRate>> = {};
  for (const tokenClass of TOKEN_CLASSES) {
    const rate = written[tokenClass];
    if (rate !== undefined) rates[tokenClass] = tieredRate(rate);
  }
  return Object.freeze(rates);
}

function tieredRate(rate: WrittenRate): TieredRate {
  if (typeof rate === 'number') return { base: rate, tiers: [] };
  return { base: rate.base, tiers: rate.tiers.toSorted((a, b) => a.above - b.above) };
}
