import type { OrganisationPrices } from '@raypher/shared/rest';

type Model = OrganisationPrices['prices']['models'][number];

/** One price as it is typed; dollars per million tokens. */
export interface PriceDraft {
  id: string;
  provider: string;
  model: string;
  input: string;
  output: string;
  /** What the fields do not show and must not be lost: cache rates, tiers, limits. */
  rest: Partial<Model>;
}

export function toDrafts(models: readonly Model[]): PriceDraft[] {
  return models.map(({ provider, model, ...rest }, index) => ({
    id: String(index),
    provider,
    model,
    input: written(rest.rates.input),
    output: written(rest.rates.output),
    rest,
  }));
}

/** @returns undefined while a field is missing or is no amount */
export function toModels(drafts: readonly PriceDraft[]): Model[] | undefined {
  const models = drafts.map(({ provider, model, input, output, rest }) => {
    const rates = { input: read(input, rest.rates?.input), output: read(output, rest.rates?.output) };
    if (provider.trim() === '' || model.trim() === '') return undefined;
    if (rates.input === undefined || rates.output === undefined) return undefined;
    return {
      ...rest,
      provider: provider.trim(),
      model: model.trim(),
      rates: { ...rest.rates, input: rates.input, output: rates.output },
    };
  });
  return models.every((model) => model !== undefined) ? models : undefined;
}

type Rate = Model['rates']['input'];

function written(rate: Rate): string {
  if (rate === undefined) return '';
  return String((typeof rate === 'number' ? rate : rate.base) / 1e6);
}

/** A tier stays as it is as long as its base does. */
function read(text: string, before: Rate): Rate {
  if (!/^\d+(\.\d{1,6})?$/.test(text.trim())) return undefined;
  const base = Math.round(Number(text) * 1e6);
  return typeof before === 'object' ? { ...before, base } : base;
}
