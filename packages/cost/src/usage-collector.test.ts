import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { estimateTokens } from './estimate-tokens.ts';
import { NO_TOKENS } from './token-class.ts';
import { UsageCollector, usageOf } from './usage-collector.ts';

const { cases } = z
  .object({
    cases: z.array(
      z.object({
        name: z.string(),
        provider: z.string(),
        path: z.string(),
        answer: z.unknown(),
        tokens: z.record(z.string(), z.number()),
        searches: z.number().default(0),
        model: z.string(),
        reportedMicros: z.number().optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../cases/usage.json', import.meta.url), 'utf8')));

const CHAT = '/v1/chat/completions';
const MESSAGES = '/v1/messages';
const known = { inputEstimate: 77 };

test.each(cases)('$name', ({ provider, path, answer, tokens, searches, model, reportedMicros }) => {
  expect(usageOf(provider, path, answer, { ...known, elapsedMs: 60_000 })).toEqual({
    tokens: { ...NO_TOKENS, ...tokens },
    searches,
    estimated: false,
    model,
    reportedMicros,
    surcharges: [],
  });
});

describe('hanging up does not save money', () => {
  const chunk = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });

  test('before the usage of a chat stream: what was written is reckoned, and marked', () => {
    const text = 'A rather long answer, of which the client has seen all. '.repeat(40);
    const usage = usageOf('openai', CHAT, [chunk(text)], known);
    expect(usage).toMatchObject({ estimated: true, tokens: { input: 77, output: estimateTokens(text) } });
  });

  test('before the last count of an Anthropic stream: the 1 that it starts with is no count', () => {
    const text = 'word '.repeat(500);
    const events = [
      { type: 'message_start', message: { usage: { input_tokens: 25, output_tokens: 1 } } },
      { type: 'content_block_delta', delta: { type: 'text_delta', text } },
    ];
    const { tokens, estimated } = usageOf('anthropic', MESSAGES, events, known);
    expect(estimated).toBe(true);
    expect(tokens.input).toBe(25);
    expect(tokens.output).toBeGreaterThanOrEqual(600);
  });

  test('arguments of tool calls and shown thoughts count as written', () => {
    const args = JSON.stringify({ command: 'x'.repeat(3_800) });
    const call = { choices: [{ delta: { tool_calls: [{ function: { name: 'run', arguments: args } }] } }] };
    expect(usageOf('openai', CHAT, [call], known).tokens.output).toBeGreaterThan(1_000);
    const thinking = { type: 'content_block_delta', delta: { thinking: 'x'.repeat(3_800) } };
    expect(usageOf('anthropic', MESSAGES, [thinking], known).tokens.output).toBeGreaterThan(1_000);
  });

  test('while the model thinks in secret: time is charged, up to the longest answer', () => {
    const cut = (outputLimit?: number) =>
      usageOf('openai', CHAT, [chunk('')], {
        ...known,
        elapsedMs: 30_000,
        ...(outputLimit === undefined ? {} : { outputLimit }),
      }).tokens.output;
    expect(cut()).toBe(3_000);
    expect(cut(500)).toBe(500);
  });

  test('a model that never thinks in secret is charged for what it wrote', () => {
    const slow = { ...known, elapsedMs: 30_000 };
    const { tokens } = usageOf(
      'openai',
      CHAT,
      [{ ...chunk('Hello there'), model: 'gpt-4o-2024-08-06' }],
      slow,
    );
    expect(tokens.output).toBe(estimateTokens('Hello there'));
  });

  test('an answer with no usage at all is an estimate and never free', () => {
    for (const path of [CHAT, MESSAGES, '/v1/responses', '/v1/embeddings', '/api/chat']) {
      const usage = usageOf('openai', path, {}, known);
      expect(usage).toMatchObject({ estimated: true, tokens: { input: 77 } });
    }
  });
});

test.each([-5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '12', null, {}, 2 ** 60])(
  'a count of %s is no count',
  (prompt_tokens) => {
    const usage = usageOf('openai', '/v1/embeddings', { usage: { prompt_tokens } }, known);
    expect(usage).toMatchObject({ estimated: true, tokens: { input: 77 } });
  },
);

test('Ollama leaves the prompt out when it was cached: the estimate stands in', () => {
  const usage = usageOf('ollama', '/api/generate', { done: true, response: 'x', eval_count: 3 }, known);
  expect(usage).toMatchObject({ estimated: true, tokens: { input: 77, output: 3 } });
});

test('parts that exceed their total do not make it negative', () => {
  const usage = { prompt_tokens: 10, prompt_tokens_details: { cached_tokens: 400 }, completion_tokens: 1 };
  const { tokens } = usageOf('openai', CHAT, { choices: [{ finish_reason: 'stop' }], usage }, known);
  expect(tokens).toMatchObject({ input: 0, cacheRead: 400 });
});

test('a cost is believed from OpenRouter alone', () => {
  const answer = {
    choices: [{ finish_reason: 'stop' }],
    usage: { prompt_tokens: 9, completion_tokens: 9, cost: 0 },
  };
  expect(usageOf('openai', CHAT, answer, known).reportedMicros).toBeUndefined();
});

test('dearer ways of calling are seen in the answer', () => {
  const tier = usageOf('openai', CHAT, { service_tier: 'priority' }, known).surcharges;
  const speed = usageOf('anthropic', MESSAGES, { usage: { speed: 'fast' } }, known).surcharges;
  expect([...tier, ...speed].map(({ id }) => id)).toEqual(['priority', 'fast']);
});

test('nothing that parses as JSON breaks the collector, and no count is ever negative or broken', () => {
  const paths = fc.constantFrom(...cases.map(({ path }) => path));
  const events = fc.array(
    fc.oneof(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(...cases.map((c) => c.answer))),
  );
  fc.assert(
    fc.property(fc.constantFrom('openai', 'anthropic', 'nobody'), paths, events, (provider, path, list) => {
      const collector = new UsageCollector(provider, path);
      for (const event of list) collector.add(event);
      const { tokens, searches } = collector.finish(known);
      for (const count of [...Object.values(tokens), searches]) {
        expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
      }
    }),
  );
});

test('seeing events twice changes no reported count', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...cases),
      fc.integer({ min: 2, max: 5 }),
      ({ provider, path, answer }, times) => {
        const events = Array.isArray(answer) ? answer : [answer];
        const often = Array.from({ length: times }, () => events).flat();
        expect(usageOf(provider, path, often, known)).toEqual(usageOf(provider, path, events, known));
      },
    ),
  );
});

test.each(['/v1/responses', '/openai/V1//Responses/'])(
  'an answer in the background at %s is reckoned whole',
  (path) => {
    const queued = { id: 'r', status: 'queued', background: true, model: 'gpt-4o', usage: null };
    const known = { inputEstimate: 10, elapsedMs: 50, outputLimit: 5_000 };
    expect(usageOf('azure', path, queued, known)).toMatchObject({
      tokens: { output: 5_000 },
      estimated: true,
    });
    expect(usageOf('azure', path, [{ type: 'response.created', response: queued }], known)).toMatchObject({
      tokens: { output: 5_000 },
    });
    const done = { ...queued, status: 'completed', usage: { input_tokens: 10, output_tokens: 7 } };
    expect(usageOf('azure', path, done, known)).toMatchObject({ tokens: { output: 7 }, estimated: false });
  },
);
