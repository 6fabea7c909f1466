import { expect, it } from 'vitest';
import { toDrafts, toModels } from './price-draft.ts';

const tiered = {
  provider: 'google',
  model: 'gemini-9*',
  rates: {
    input: { base: 1_250_000, tiers: [{ above: 200_000, rate: 2_500_000 }] },
    output: 10_000_000,
    cacheRead: 1,
  },
  contextWindow: 1_000_000,
};

it('is typed in dollars per million tokens, and what is not shown stays', () => {
  const [draft] = toDrafts([tiered]);
  expect(draft).toMatchObject({ input: '1.25', output: '10' });
  expect(toModels(toDrafts([tiered]))).toEqual([tiered]);
});

it.each(['', '-1', '1e3', '0.0000001', 'free', '1,5'])('"%s" is no price', (input) => {
  const drafts = toDrafts([tiered]).map((draft) => ({ ...draft, input }));
  expect(toModels(drafts)).toBeUndefined();
});

it('zero is a price, when somebody writes it', () => {
  const drafts = toDrafts([tiered]).map((draft) => ({ ...draft, output: '0' }));
  expect(toModels(drafts)?.[0]?.rates.output).toBe(0);
});
