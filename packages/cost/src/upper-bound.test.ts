import fc from 'fast-check';
import { expect, test } from 'vitest';
import { costOf } from './cost.ts';
import { PackagedPrices } from './packaged-prices.ts';
import { type BoundedCall, upperBoundOf } from './upper-bound.ts';
import { usageOf } from './usage-collector.ts';

const book = new PackagedPrices();
const AT = Date.UTC(2026, 10, 1);
const bound = (body: unknown, call: Partial<BoundedCall> = {}) =>
  upperBoundOf(
    { provider: 'openai', path: '/v1/chat/completions', models: ['gpt-4o'], body, at: AT, ...call },
    book,
  );
const micros = (...given: Parameters<typeof bound>): number => {
  const { cost } = bound(...given);
  return cost.known ? cost.micros : Number.NaN;
};
const messages = [{ role: 'user', content: 'hello' }];

test('the longest answer that the request allows is reckoned', () => {
  const short = micros({ messages, max_tokens: 100 });
  const long = micros({ messages, max_tokens: 1_100 });
  expect(long - short).toBe(10_000);
  expect(bound({ messages, max_tokens: 100 }).cost).toMatchObject({ estimated: true, pricedAs: 'gpt-4o' });
});

test('without a limit, the model’s own is reckoned', () => {
  expect(bound({ messages }).outputLimit).toBe(16_384);
  expect(bound({ messages }, { models: ['unheard-of'] }).outputLimit).toBeGreaterThanOrEqual(64_000);
});

test.each([
  ['several answers', { n: 128 }],
  ['a second, larger limit', { max_completion_tokens: 12_800 }],
  ['a limit that is none', { max_completion_tokens: -1 }],
  ['priority', { service_tier: 'priority' }],
  ['searches', { web_search_options: {} }],
  ['a stored conversation', { previous_response_id: 'resp_1' }],
  [
    'a file kept elsewhere',
    { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] },
  ],
  ['a dearer fallback', {}, { models: ['gpt-4o', 'gpt-5-pro'] }],
  ['a long list of cheap models', {}, { models: Array(17).fill('gpt-4o') }],
  ['an unknown fallback', {}, { models: ['gpt-4o', 'unheard-of'] }],
])('%s cannot be hidden', (_, more, call: Partial<BoundedCall> = {}) => {
  const plain = micros({ messages, max_tokens: 100 }, { models: call.models?.slice(0, 1) ?? ['gpt-4o'] });
  expect(micros({ messages, max_tokens: 100, ...more }, call)).toBeGreaterThan(plain * 1.5);
});

test('a prompt that is written to a cache for an hour is bounded too', () => {
  const content = 'word '.repeat(10_000);
  const call = { provider: 'anthropic', path: '/v1/messages', models: ['claude-sonnet-4-0'] };
  const { inputEstimate } = bound({ messages: [{ content }], max_tokens: 1 }, call);
  // $6 for a million tokens, against $3 for those that are not cached.
  expect(micros({ messages: [{ content }], max_tokens: 1 }, call)).toBeGreaterThanOrEqual(inputEstimate * 6);
});

test('text outside the Latin alphabet weighs more for each character', () => {
  const inputOf = (content: string) => bound({ messages: [{ content }] }).inputEstimate;
  expect(inputOf('漢'.repeat(1_000))).toBeGreaterThan(1_000);
  expect(inputOf('a'.repeat(1_000))).toBeLessThan(500);
});

test('a picture is not priced by the length of its base64', () => {
  const url = `data:image/png;base64,${'A'.repeat(1_000_000)}`;
  expect(bound({ messages: [{ content: [{ image_url: { url } }] }] }).inputEstimate).toBeLessThan(6_000);
  const source = { type: 'base64', media_type: 'image/png', data: 'A'.repeat(1_000_000) };
  expect(bound({ messages: [{ content: [{ type: 'image', source }] }] }).inputEstimate).toBeLessThan(6_000);
});

test('text cannot pass as a picture', () => {
  const text = 'word '.repeat(10_000);
  const inputOf = (part: object) => bound({ messages: [{ content: [part] }] }).inputEstimate;
  expect(inputOf({ type: 'text', text: `data:image/png;base64,${text}` })).toBeGreaterThan(10_000);
  const hidden = { type: 'image_url', image_url: { url: `data:image/png;base64,${text}` } };
  expect(inputOf({ type: 'tool_use', input: { part: hidden } })).toBeGreaterThan(10_000);
  expect(inputOf({ type: 'tool_use', input: hidden })).toBeGreaterThan(10_000);
  expect(inputOf({ media_type: 'image/png', data: '', text })).toBeGreaterThan(10_000);
});

test('nesting hides nothing', () => {
  let body: unknown = 'word '.repeat(10_000);
  for (let depth = 0; depth < 5_000; depth++) body = [body];
  expect(micros({ messages: body, max_tokens: 1 })).toBeGreaterThan(100_000);
});

test('pictures are bounded at their own rate, asked for or not', () => {
  const call = { provider: 'gemini', models: ['gemini-2.5-flash-image'] };
  const path = '/v1beta/models/gemini-2.5-flash-image:generateContent';
  const body = { contents: [], generationConfig: { maxOutputTokens: 1_000_000 } };
  expect(micros(body, { ...call, path })).toBeGreaterThanOrEqual(30_000_000);
});

test.each([
  ['openai', '/v1/batches'],
  ['anthropic', '/v1/messages/batches?beta=true'],
  ['gemini', '/v1beta/models/gemini-2.5-pro:batchGenerateContent'],
  ['gemini', '/v1beta/models/gemini-embedding-001:asyncBatchEmbedContent'],
  ['mistral', '/v1/batch/jobs'],
  ['perplexity', '/async/chat/completions'],
  ['openai', '/v1/videos'],
  ['openai', '/v1/Videos/v/remix/'],
  ['gemini', '/v1beta/models/veo-3:predictLongRunning'],
])('a batch at %s is not taken for one call', (provider, path) => {
  const body = { requests: [{ params: { max_tokens: 1, messages } }] };
  expect(bound(body, { provider, path }).cost).toEqual({ known: false, reason: 'batch' });
});

test.each([
  ['openai', '/v1/responses', { max_tokens: 1, max_completion_tokens: 1 }],
  ['openai', '//v1/Responses/', { max_tokens: 1 }],
  ['openai', '/v1/responses', { generationConfig: { maxOutputTokens: 1 } }],
  ['gemini', '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse', { max_tokens: 1 }],
  ['bedrock', '/model/anthropic.claude-3-5-sonnet-20240620-v1:0/converse', { max_tokens: 1 }],
])('at %s %s, %j is no limit', (provider, path, limits) => {
  const models = ['gpt-4o'];
  expect(bound({ messages, ...limits }, { provider, path, models })).toEqual({
    ...bound({ messages }, { provider, path, models }),
    inputEstimate: expect.any(Number),
    cost: expect.anything(),
  });
});

test.each(['128', 1e300, {}, [128], true])('%j answers are many', (n) => {
  expect(micros({ messages, n, max_tokens: 100 })).toBeGreaterThan(
    100 * micros({ messages, max_tokens: 100 }),
  );
});

test('pictures of a form are as many as one may ask for', () => {
  const call = { path: '/v1/images/edits', models: ['gpt-image-1'] };
  expect(micros('--b', call)).toBeGreaterThan(9 * micros({}, call));
});

test('embeddings write nothing', () => {
  const call = { path: '/v1/embeddings', models: ['text-embedding-3-small'] };
  expect(bound({ input: 'hello' }, call)).toMatchObject({ outputLimit: 0, cost: { micros: 1 } });
});

test('at an unknown provider there is no bound, and none is made up', () => {
  expect(bound({ messages }, { provider: 'nobody' }).cost).toEqual({
    known: false,
    reason: 'unknown-provider',
  });
});

test('what the call then costs stays below the bound, whatever the mix of classes', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const models = fc.constantFrom('gpt-4o', 'gpt-5.4', 'claude-sonnet-4-5', 'claude-opus-4-8', 'unheard-of');
  const text = fc.string({ unit: 'grapheme', maxLength: 400 });
  fc.assert(
    fc.property(
      models,
      text,
      fc.integer({ min: 1, max: 50_000 }),
      share,
      share,
      (model, content, max, cached, spent) => {
        const provider = model.startsWith('claude') ? 'anthropic' : 'openai';
        const call = {
          provider,
          path: '/v1/messages',
          models: [model],
          body: { messages: [{ content }], max_tokens: max },
          at: AT,
        };
        const { cost, inputEstimate } = upperBoundOf(call, book);
        const written = Math.floor(inputEstimate * cached);
        const usage = {
          input_tokens: inputEstimate - written,
          cache_creation_input_tokens: written,
          cache_creation: { ephemeral_1h_input_tokens: written },
          output_tokens: Math.floor(max * spent),
        };
        const actual = costOf(
          usageOf(provider, call.path, { type: 'message', model, usage }, { inputEstimate }),
          { provider, model, at: AT },
          book,
        );
        if (!cost.known || !actual.known) throw new Error('both are known');
        expect(actual.micros).toBeLessThanOrEqual(cost.micros);
      },
    ),
  );
});
