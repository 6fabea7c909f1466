import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TestProxy } from '../testing/test-proxy.ts';

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

const ask = [{ role: 'user' as const, content: 'What is the capital of France?' }];

test('the OpenAI client chats through the proxy unchanged', async () => {
  const direct = await new OpenAI({
    baseURL: `${world.upstream.url}/v1`,
    apiKey: 'k',
  }).chat.completions.create({
    model: 'gpt-4o',
    messages: ask,
  });
  const through = await world.openai().chat.completions.create({ model: 'gpt-4o', messages: ask });
  expect(through.choices[0]?.message).toEqual(direct.choices[0]?.message);
  expect(world.upstream.requests.at(-1)?.headers.host).toBe('api.openai.com');
  expect(world.models).toEqual(['gpt-4o']);
});

test('a stream arrives as it is produced, not when it is complete', async () => {
  world.upstream.behave({ chunkDelayMs: 30, chunkCharacters: 2 });
  const stream = await world
    .openai()
    .chat.completions.create({ model: 'gpt-4o', messages: ask, stream: true });
  const arrivals: number[] = [];
  let text = '';
  for await (const chunk of stream) {
    arrivals.push(performance.now());
    text += chunk.choices[0]?.delta?.content ?? '';
  }
  expect(text).toContain('capital of France');
  const [first = 0, last = 0] = [arrivals[0], arrivals.at(-1)];
  expect(last - first).toBeGreaterThan(30 * 4);
  expect((await world.recorded).data).toMatchObject({ streamed: true, status: 200 });
});

test('multi-byte characters cut in the middle arrive whole', async () => {
  world.upstream.behave({ bytesPerWrite: 3 });
  const stream = await world.openai().chat.completions.create({
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'Grüße 🌍 und 漢字' }],
    stream: true,
  });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
  expect(text).toContain('Grüße 🌍 und 漢字');
});

test('tools of both providers work through the proxy', async () => {
  const parameters = {
    type: 'object' as const,
    properties: { city: { type: 'string' } },
    required: ['city'],
  };
  const chat = await world.openai().chat.completions.create({
    model: 'gpt-4o',
    messages: ask,
    tools: [{ type: 'function', function: { name: 'weather', parameters } }],
    tool_choice: { type: 'function', function: { name: 'weather' } },
  });
  expect(chat.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'weather' } });
  const message = await world.anthropic().messages.create({
    model: 'claude-opus-4-8',
    max_tokens: 100,
    messages: ask,
    tools: [{ name: 'weather', input_schema: parameters }],
    tool_choice: { type: 'tool', name: 'weather' },
  });
  expect(message.content.find((part) => part.type === 'tool_use')).toMatchObject({ name: 'weather' });
});

test('the Anthropic client streams through the proxy unchanged', async () => {
  const stream = world
    .anthropic()
    .messages.stream({ model: 'claude-opus-4-8', max_tokens: 100, messages: ask });
  const message = await stream.finalMessage();
  expect(message.stop_reason).toBe('end_turn');
  expect(world.upstream.requests.at(-1)?.headers.host).toBe('api.anthropic.com');
});

test("a provider's own errors reach the client as its own error classes", async () => {
  world.upstream.behave({ failWith: 429 });
  await expect(
    world.openai().chat.completions.create({ model: 'gpt-4o', messages: ask }),
  ).rejects.toBeInstanceOf(OpenAI.RateLimitError);
  await expect(
    world.anthropic().messages.create({ model: 'claude-opus-4-8', max_tokens: 9, messages: ask }),
  ).rejects.toBeInstanceOf(Anthropic.RateLimitError);
});

test('a denial is a PermissionDeniedError of each client and says rule, reason and revision', async () => {
  world.enforce(
    "rules: [{ id: no-models, effect: deny, destinations: ['*.openai.com', api.anthropic.com], reason: Not approved. }]",
  );
  const refusal = await world
    .openai()
    .chat.completions.create({ model: 'gpt-4o', messages: ask })
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(OpenAI.PermissionDeniedError);
  expect(refusal).toMatchObject({ status: 403, code: 'policy_denied', type: 'permission_error' });
  expect(String(refusal)).toContain('Not approved. (global policy rule no-models, revision 7)');
  const other = await world
    .anthropic()
    .messages.create({ model: 'claude-opus-4-8', max_tokens: 9, messages: ask })
    .catch((error: unknown) => error);
  expect(other).toBeInstanceOf(Anthropic.PermissionDeniedError);
  expect(other).toMatchObject({ error: { type: 'error', error: { type: 'permission_error' } } });
  expect(world.upstream.requests).toEqual([]);
  expect(world.events.map((event) => [event.severity, event.data.denied])).toEqual([
    ['warning', true],
    ['warning', true],
  ]);
});

test('in monitor mode the call goes through and is recorded as one that would have been blocked', async () => {
  world.enforce("rules: [{ id: no-openai, effect: deny, destinations: ['*.openai.com'] }]", 'monitor');
  await world.openai().chat.completions.create({ model: 'gpt-4o', messages: ask });
  const event = await world.recorded;
  expect(event.verdict).toMatchObject({ outcome: 'DENY', mode: 'monitor', rule: 'no-openai' });
  expect(event.data).toMatchObject({ denied: false, wouldBlock: true, status: 200 });
});

test('a client that hangs up ends the call upstream', async () => {
  world.upstream.behave({ chunkDelayMs: 40, chunkCharacters: 1 });
  const stream = await world
    .openai()
    .chat.completions.create({ model: 'gpt-4o', messages: ask, stream: true });
  for await (const _chunk of stream) break;
  expect((await world.recorded).data).toMatchObject({ status: 499 });
  expect(await world.upstream.requests.at(-1)?.closed).toBe('abandoned');
});

test('an upstream that breaks off leaves a broken answer, not a short one', async () => {
  world.upstream.behave({ dropAfterEvents: 2, chunkDelayMs: 30, chunkCharacters: 1 });
  const stream = await world
    .openai()
    .chat.completions.create({ model: 'gpt-4o', messages: ask, stream: true });
  await expect(
    (async () => {
      for await (const _chunk of stream);
    })(),
  ).rejects.toThrow();
});
