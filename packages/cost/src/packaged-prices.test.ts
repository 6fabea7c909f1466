import { calcPrice } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { costOf } from './cost.ts';
import { PackagedPrices } from './packaged-prices.ts';
import { NO_TOKENS, type Tokens } from './token-class.ts';
import type { Usage } from './usage.ts';

const book = new PackagedPrices();
const AT = Date.UTC(2026, 10, 1, 12);
const used = (tokens: Partial<Tokens>, more: Partial<Usage> = {}): Usage => ({
  tokens: { ...NO_TOKENS, ...tokens },
  searches: 0,
  estimated: false,
  model: undefined,
  reportedMicros: undefined,
  surcharges: [],
  ...more,
});
const cost = (provider: string, model: string, usage: Usage, at = AT) =>
  costOf(usage, { provider, model, at }, book);

test('a call costs what the price list says, cached tokens at their own rate', () => {
  const usage = used({ input: 1_000_000, cacheRead: 1_000_000, output: 1_000_000 });
  expect(cost('openai', 'gpt-4o', usage)).toEqual({
    known: true,
    micros: 2_500_000 + 1_250_000 + 10_000_000,
    estimated: false,
    pricedAs: 'gpt-4o',
  });
});

test('less than a micro-dollar is rounded up, once for the call', () => {
  expect(cost('openai', 'gpt-5-nano', used({ input: 1 }))).toMatchObject({ micros: 1 });
  expect(cost('openai', 'gpt-5-nano', used({ input: 1, cacheRead: 1, output: 1 }))).toMatchObject({
    micros: 1,
  });
});

test('one-hour cache writes cost more than those of minutes', () => {
  const minutes = cost('anthropic', 'claude-sonnet-4-0', used({ cacheWrite: 1_000_000 }));
  const hour = cost('anthropic', 'claude-sonnet-4-0', used({ cacheWriteHour: 1_000_000 }));
  expect([minutes, hour]).toMatchObject([{ micros: 3_750_000 }, { micros: 6_000_000 }]);
});

test('a long prompt changes the rate of all tokens, cached ones counted in its length', () => {
  const short = cost('anthropic', 'claude-sonnet-4-5', used({ input: 100_000, cacheRead: 100_000 }));
  const long = cost('anthropic', 'claude-sonnet-4-5', used({ input: 100_001, cacheRead: 100_000 }));
  expect([short, long]).toMatchObject([{ micros: 330_000 }, { micros: 660_006 }]);
});

test('prices have dates', () => {
  const usage = used({ input: 250_000 });
  expect(cost('anthropic', 'claude-opus-4-6', usage, Date.UTC(2026, 2, 12))).toMatchObject({
    micros: 2_500_000,
  });
  expect(cost('anthropic', 'claude-opus-4-6', usage, Date.UTC(2026, 2, 14))).toMatchObject({
    micros: 1_250_000,
  });
});

test('an unknown model is never free: it is priced as the dearest of its provider, and marked', () => {
  const usage = used({ input: 1_000_000, output: 1_000_000 });
  const unknown = cost('openai', 'nobody-knows-me', usage);
  expect(unknown).toMatchObject({ known: true, estimated: true, pricedAs: '*' });
  for (const model of ['gpt-5-pro', 'gpt-4.5-preview', 'gpt-5.4-pro', 'gpt-4-32k']) {
    const { micros } = { micros: 0, ...cost('openai', model, usage) };
    expect(unknown).toSatisfy((dear: { micros: number }) => dear.micros >= micros);
  }
});

test.each(['ollama', 'nobody', ''])('the cost at provider "%s" is unknown, not zero', (provider) => {
  expect(cost(provider, 'gpt-4o', used({ input: 10 }))).toEqual({ known: false, reason: 'unknown-provider' });
});

test('the model that answered counts, and where it is unknown the one that was asked for', () => {
  const usage = (model: string) => used({ input: 1_000_000 }, { model });
  expect(cost('openai', 'gpt-4o', usage('gpt-4o-mini'))).toMatchObject({ micros: 150_000 });
  expect(cost('openai', 'gpt-4o', usage('mystery'))).toMatchObject({ micros: 2_500_000, pricedAs: 'gpt-4o' });
});

test('sound without a price of its own is marked as an estimate', () => {
  expect(cost('openai', 'gpt-4o-audio-preview', used({ audioInput: 10 }))).toMatchObject({ estimated: true });
  expect(cost('openai', 'gpt-4o-realtime-preview', used({ audioInput: 10 }))).toMatchObject({
    estimated: false,
  });
});

test('searches are charged each; a provider’s own figure wins', () => {
  expect(cost('openai', 'gpt-4o', used({}, { searches: 3 }))).toMatchObject({ micros: 30_000 });
  const reported = used({ input: 10 }, { reportedMicros: 4 });
  expect(cost('openrouter', 'openai/gpt-4o', reported)).toMatchObject({ micros: 4, pricedAs: undefined });
});

test('surcharges multiply the tokens and mark the cost', () => {
  const usage = used({ input: 1_000_000 }, { surcharges: [{ id: 'priority', percent: 250 }] });
  expect(cost('openai', 'gpt-4o', usage)).toMatchObject({ micros: 6_250_000, estimated: true });
});

const MODELS = [
  ['openai', 'gpt-4o'],
  ['openai', 'gpt-5.4'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['anthropic', 'claude-opus-4-8'],
  ['google', 'gemini-2.5-pro'],
  ['deepseek', 'deepseek-chat'],
  ['mistral', 'mistral-large-latest'],
] as const;

test('exact sums agree with the reckoning of the package in floating point', () => {
  const tokens = fc.integer({ min: 0, max: 1_000_000 });
  fc.assert(
    fc.property(
      fc.constantFrom(...MODELS),
      tokens,
      tokens,
      tokens,
      ([provider, model], input, cacheRead, output) => {
        const ours = cost(provider, model, used({ input, cacheRead, output }));
        const theirs = calcPrice(
          { input_tokens: input + cacheRead, cache_read_tokens: cacheRead, output_tokens: output },
          model,
          { providerId: provider, timestamp: new Date(AT) },
        );
        const micros = ours.known ? ours.micros : Number.NaN;
        expect(Math.abs(micros - (theirs?.total_price ?? Number.NaN) * 1e6)).toBeLessThan(1.001);
      },
    ),
  );
});

test('more tokens never cost less', () => {
  const tokens = fc.integer({ min: 0, max: 2_000_000 });
  fc.assert(
    fc.property(
      fc.constantFrom(...MODELS),
      tokens,
      tokens,
      tokens,
      ([provider, model], input, output, more) => {
        const micros = (usage: Usage) => ({ micros: Number.NaN, ...cost(provider, model, usage) }).micros;
        const base = micros(used({ input, output }));
        expect(micros(used({ input: input + more, output }))).toBeGreaterThanOrEqual(base);
        expect(micros(used({ input, output: output + more }))).toBeGreaterThanOrEqual(base);
      },
    ),
  );
});

test('names of models from outside neither break the look-up nor hold it up', () => {
  const began = performance.now();
  fc.assert(fc.property(fc.string({ maxLength: 2_000 }), (name) => void book.find('openrouter', name, AT)));
  book.find('openai', 'gpt-'.repeat(1_000_000), AT);
  expect(performance.now() - began).toBeLessThan(5_000);
});
