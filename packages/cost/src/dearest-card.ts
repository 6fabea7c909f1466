import { dearestTier, type RateCard, rateOf, type TieredRate } from './rate-card.ts';
import { TOKEN_CLASSES, type TokenClass } from './token-class.ts';

/**
 * Class by class the dearest of all cards: which single model is the dearest depends on how it is used.
 *
 * @returns undefined when no card has a price
 */
export function dearestCard(provider: string, cards: readonly RateCard[]): RateCard | undefined {
  const rates: Partial<Record<TokenClass, TieredRate>> = {};
  for (const tokenClass of TOKEN_CLASSES) {
    const all = cards.flatMap((card) => rateOf(card, tokenClass) ?? []);
    if (all.length > 0) rates[tokenClass] = { base: Math.max(...all.map(dearestTier)), tiers: [] };
  }
  if (rates.input === undefined) return undefined;
  return {
    provider,
    model: '*',
    rates,
    perSearch: largest(cards.map((card) => card.perSearch)),
    contextWindow: largest(cards.map((card) => card.contextWindow)),
    outputLimit: largest(cards.map((card) => card.outputLimit)),
  };
}

function largest(numbers: readonly (number | undefined)[]): number | undefined {
  const given = numbers.filter((number) => number !== undefined);
  return given.length === 0 ? undefined : Math.max(...given);
}
