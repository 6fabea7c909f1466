import { type Micros, MicrosSum, type Rate } from './micros.ts';
import { inputTokens, PARENT_CLASS, TOKEN_CLASSES, type TokenClass, type Tokens } from './token-class.ts';

/** A price that depends on how long the whole prompt is. */
export interface TieredRate {
  readonly base: Rate;
  /** In ascending order; the last one whose `above` the prompt exceeds (in tokens) holds for all tokens. */
  readonly tiers: readonly { readonly above: number; readonly rate: Rate }[];
}

/** What a model costs at one time. */
export interface RateCard {
  readonly provider: string;
  readonly model: string;
  readonly rates: Readonly<Partial<Record<TokenClass, TieredRate>>>;
  readonly perSearch?: Rate | undefined;
  /** Tokens. */
  readonly contextWindow?: number | undefined;
  /** Tokens of the longest answer. */
  readonly outputLimit?: number | undefined;
}

/** Of a token class, or of its nearest parent that has a rate. */
export function rateOf(card: RateCard, tokenClass: TokenClass): TieredRate | undefined {
  let name: TokenClass | undefined = tokenClass;
  while (name !== undefined) {
    const rate = card.rates[name];
    if (rate !== undefined) return rate;
    name = PARENT_CLASS[name];
  }
  return undefined;
}

export function rateAt(rate: TieredRate, promptTokens: number): Rate {
  return rate.tiers.findLast((tier) => promptTokens > tier.above)?.rate ?? rate.base;
}

/** Whatever the length of the prompt. */
export function dearestTier(rate: TieredRate): Rate {
  return Math.max(rate.base, ...rate.tiers.map((tier) => tier.rate));
}

/**
 * @param percent surcharge on the tokens, 100 for none
 * @returns undefined when tokens were used of a class that the card has no price for
 */
export function listPrice(
  card: RateCard,
  tokens: Tokens,
  searches: number,
  percent: number,
): Micros | undefined {
  const sum = new MicrosSum();
  const prompt = inputTokens(tokens);
  for (const tokenClass of TOKEN_CLASSES) {
    if (tokens[tokenClass] === 0) continue;
    const rate = rateOf(card, tokenClass);
    if (rate === undefined) return undefined;
    sum.add(tokens[tokenClass], rateAt(rate, prompt), percent);
  }
  if (searches > 0) {
    if (card.perSearch === undefined) return undefined;
    sum.add(searches, card.perSearch);
  }
  return sum.total();
}
