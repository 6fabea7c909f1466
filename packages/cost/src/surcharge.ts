import { type JsonPath, valueAt } from './json-path.ts';

/** A way of calling that costs more than the list price of the model. */
export interface Surcharge {
  readonly id: string;
  /** Of the list price: 200 doubles. The highest that the provider asks for any model. */
  readonly percent: number;
}

export interface SurchargeRule extends Surcharge {
  readonly providers: readonly string[];
  /** In a request, an answer or the events of a stream. */
  readonly at: readonly JsonPath[];
  readonly value: string;
}

/**
 * Price lists hold none of these, so their cost is an estimate: the highest factor asked for any model.
 * Discounts (flex, batch) are left out: budgets reckon high.
 */
const SURCHARGES: readonly SurchargeRule[] = [
  {
    // https://openai.com/api-priority-processing/
    id: 'priority',
    percent: 250,
    providers: ['openai', 'azure'],
    at: [['service_tier'], ['response', 'service_tier']],
    value: 'priority',
  },
  {
    // https://docs.claude.com/en/docs/build-with-claude/fast-mode
    id: 'fast',
    percent: 600,
    providers: ['anthropic'],
    at: [['speed'], ['usage', 'speed'], ['message', 'usage', 'speed']],
    value: 'fast',
  },
  {
    // https://docs.claude.com/en/docs/build-with-claude/data-residency
    id: 'us-only',
    percent: 110,
    providers: ['anthropic'],
    at: [['inference_geo'], ['usage', 'inference_geo'], ['message', 'usage', 'inference_geo']],
    value: 'us',
  },
];

/** Those that a provider knows; few or none. */
export function surchargeRulesOf(provider: string): readonly SurchargeRule[] {
  return SURCHARGES.filter((rule) => rule.providers.includes(provider));
}

/** @param message a request, an answer or one event of it, parsed */
export function surchargesIn(rules: readonly SurchargeRule[], message: unknown): readonly Surcharge[] {
  return rules
    .filter((rule) => rule.at.some((path) => valueAt(message, path) === rule.value))
    .map(({ id, percent }) => ({ id, percent }));
}

/** All together, in percent, rounded up. */
export function surchargePercent(surcharges: readonly Surcharge[]): number {
  return surcharges.reduce((percent, surcharge) => Math.ceil((percent * surcharge.percent) / 100), 100);
}
