import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import { compilePolicy, decide, parsePolicy } from '@raypher/policy';
import { type FakeUpstream, startFakeUpstream } from '@raypher/testkit';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { UNKNOWN_CALLER } from './caller.ts';
import { LocalProxy } from './local-proxy.ts';

const CALLER = {
  process: { pid: 4321, startTime: 99 },
  agent: { id: 'ab'.repeat(32), name: 'bot', user: 'dev', libraries: ['openai'] },
};

let upstream: FakeUpstream;
let proxy: LocalProxy;
let snapshot = policy('rules: []');
let caller: typeof CALLER | typeof UNKNOWN_CALLER = CALLER;
const events: EventDraft[] = [];
const models: string[] = [];
let recorded = Promise.withResolvers<EventDraft>();

function policy(network: string, mode = 'enforce') {
  const source = `apiVersion: raypher/v1\nmode: ${mode}\nnetwork:\n  default: allow\n  ${network}\n`;
  const parsed = parsePolicy(source, { layer: 'global' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return compilePolicy({ revision: 7, layers: [parsed] });
}

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const hosts = [
    'api.openai.com',
    'api.anthropic.com',
    'api.deepseek.com',
    'plain.example',
    'gateway.example',
  ];
  proxy = new LocalProxy(
    {
      port: 0,
      bodyLimitBytes: 1024 * 1024,
      connectTo: {
        ...Object.fromEntries(hosts.map((host) => [host, upstream.url])),
        'nobody.example': 'http://127.0.0.1:1',
      },
    },
    {
      decide: (request) => decide(snapshot, request),
      identify: async () => caller,
      record: (event) => {
        events.push(event);
        recorded.resolve(event);
      },
      modelSeen: (_process, model) => models.push(model),
      failed: (error) => {
        throw error;
      },
    },
  );
  await proxy.start();
});

afterEach(() => {
  snapshot = policy('rules: []');
  caller = CALLER;
  events.length = 0;
  models.length = 0;
  recorded = Promise.withResolvers();
  upstream.reset();
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

const base = () => `http://127.0.0.1:${proxy.port}`;
const openai = (prefix = '') =>
  new OpenAI({
    baseURL: `${base()}${prefix}/v1`,
    apiKey: ['sk', 'test', 'x'.repeat(20)].join('-'),
    maxRetries: 0,
  });
const anthropic = () => new Anthropic({ baseURL: base(), apiKey: 'any-key', maxRetries: 0 });
const ask = [{ role: 'user' as const, content: 'What is the capital of France?' }];

test('the OpenAI client chats through the proxy unchanged', async () => {
  const direct = await new OpenAI({ baseURL: `${upstream.url}/v1`, apiKey: 'k' }).chat.completions.create({
    model: 'gpt-4o',
    messages: ask,
  });
  const through = await openai().chat.completions.create({ model: 'gpt-4o', messages: ask });
  expect(through.choices[0]?.message).toEqual(direct.choices[0]?.message);
  expect(upstream.requests.at(-1)?.headers.host).toBe('api.openai.com');
  expect(models).toEqual(['gpt-4o']);
});

test('the event names who, what, which model and the verdict, and holds neither key nor prompt nor query', async () => {
  const key = ['sk', 'live', 'y'.repeat(24)].join('-');
  await fetch(`${base()}/v1/chat/completions?trace=private-query`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', messages: ask }),
  }).then((answer) => answer.text());
  const event = await recorded.promise;
  expect(event).toMatchObject({
    type: 'network.request',
    actor: { kind: 'ai-agent', id: CALLER.agent.id, name: 'bot', pid: 4321 },
    target: 'api.openai.com/v1/chat/completions',
    verdict: { outcome: 'ALLOW', mode: 'enforce', revision: 7 },
    data: { host: 'api.openai.com', provider: 'openai', model: 'gpt-4o', status: 200, denied: false },
  });
  const text = JSON.stringify(event);
  for (const secret of [key, 'capital of France', 'private-query']) expect(text).not.toContain(secret);
});

test('a stream arrives as it is produced, not when it is complete', async () => {
  upstream.behave({ chunkDelayMs: 30, chunkCharacters: 2 });
  const stream = await openai().chat.completions.create({ model: 'gpt-4o', messages: ask, stream: true });
  const arrivals: number[] = [];
  let text = '';
  for await (const chunk of stream) {
    arrivals.push(performance.now());
    text += chunk.choices[0]?.delta?.content ?? '';
  }
  expect(text).toContain('capital of France');
  const [first = 0, last = 0] = [arrivals[0], arrivals.at(-1)];
  expect(last - first).toBeGreaterThan(30 * 4);
  expect((await recorded.promise).data).toMatchObject({ streamed: true, status: 200 });
});

test('multi-byte characters cut in the middle arrive whole', async () => {
  upstream.behave({ bytesPerWrite: 3 });
  const stream = await openai().chat.completions.create({
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
  const chat = await openai().chat.completions.create({
    model: 'gpt-4o',
    messages: ask,
    tools: [{ type: 'function', function: { name: 'weather', parameters } }],
    tool_choice: { type: 'function', function: { name: 'weather' } },
  });
  expect(chat.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'weather' } });
  const message = await anthropic().messages.create({
    model: 'claude-opus-4-8',
    max_tokens: 100,
    messages: ask,
    tools: [{ name: 'weather', input_schema: parameters }],
    tool_choice: { type: 'tool', name: 'weather' },
  });
  expect(message.content.find((part) => part.type === 'tool_use')).toMatchObject({ name: 'weather' });
});

test('the Anthropic client streams through the proxy unchanged', async () => {
  const stream = anthropic().messages.stream({ model: 'claude-opus-4-8', max_tokens: 100, messages: ask });
  const message = await stream.finalMessage();
  expect(message.stop_reason).toBe('end_turn');
  expect(upstream.requests.at(-1)?.headers.host).toBe('api.anthropic.com');
});

test("a provider's own errors reach the client as its own error classes", async () => {
  upstream.behave({ failWith: 429 });
  await expect(openai().chat.completions.create({ model: 'gpt-4o', messages: ask })).rejects.toBeInstanceOf(
    OpenAI.RateLimitError,
  );
  await expect(
    anthropic().messages.create({ model: 'claude-opus-4-8', max_tokens: 9, messages: ask }),
  ).rejects.toBeInstanceOf(Anthropic.RateLimitError);
});

test('a denial is a PermissionDeniedError of each client and says rule, reason and revision', async () => {
  snapshot = policy(
    "rules: [{ id: no-models, effect: deny, destinations: ['*.openai.com', api.anthropic.com], reason: Not approved. }]",
  );
  const refusal = await openai()
    .chat.completions.create({ model: 'gpt-4o', messages: ask })
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(OpenAI.PermissionDeniedError);
  expect(refusal).toMatchObject({ status: 403, code: 'policy_denied', type: 'permission_error' });
  expect(String(refusal)).toContain('Not approved. (global policy rule no-models, revision 7)');
  const other = await anthropic()
    .messages.create({ model: 'claude-opus-4-8', max_tokens: 9, messages: ask })
    .catch((error: unknown) => error);
  expect(other).toBeInstanceOf(Anthropic.PermissionDeniedError);
  expect(other).toMatchObject({ error: { type: 'error', error: { type: 'permission_error' } } });
  expect(upstream.requests).toEqual([]);
  expect(events.map((event) => [event.severity, event.data.denied])).toEqual([
    ['warning', true],
    ['warning', true],
  ]);
});

test('in monitor mode the call goes through and is recorded as one that would have been blocked', async () => {
  snapshot = policy("rules: [{ id: no-openai, effect: deny, destinations: ['*.openai.com'] }]", 'monitor');
  await openai().chat.completions.create({ model: 'gpt-4o', messages: ask });
  const event = await recorded.promise;
  expect(event.verdict).toMatchObject({ outcome: 'DENY', mode: 'monitor', rule: 'no-openai' });
  expect(event.data).toMatchObject({ denied: false, wouldBlock: true, status: 200 });
});

test.each([
  ['plain', { model: 'gpt-4o' }, {}],
  ['an escaped key', '{"mod\\u0065l": "gpt-4o"}', {}],
  ['the key twice', '{"model": "gpt-4o", "model": "other"}', {}],
  ['the key twice, the other way round', '{"model": "other", "model": "gpt-4o"}', {}],
  ['a list of fallbacks', { model: 'other', models: ['other', 'gpt-4o'] }, {}],
  ['no JSON type', { model: 'gpt-4o' }, { 'content-type': 'text/plain' }],
  ['no model at all', { messages: [] }, {}],
  ['an encoding nobody can read', { model: 'other' }, { 'content-encoding': 'secret' }],
  ['a body too large to read', { model: 'other', filler: 'z'.repeat(1_200_000) }, {}],
])('a rule about a model cannot be avoided with %s', async (_how, body, headers) => {
  snapshot = policy('rules: [{ id: no-gpt, effect: deny, models: ["gpt-4*"] }]');
  const answer = await fetch(`${base()}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  expect(answer.status).toBe(403);
  expect(upstream.requests).toEqual([]);
});

test('a body larger than the limit is sent on byte for byte without being held', async () => {
  const body = JSON.stringify({
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'z'.repeat(3_000_000) }],
  });
  const answer = await fetch(`${base()}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
    body,
  });
  await answer.text();
  expect(upstream.requests.at(-1)?.body.equals(Buffer.from(body))).toBe(true);
});

test.each([
  ['/deepseek/v1/chat/completions', 'api.deepseek.com', '/v1/chat/completions'],
  ['/openai/v1/chat/completions', 'api.openai.com', '/v1/chat/completions'],
])('%s is sent to %s', async (path, host, upstreamPath) => {
  await fetch(`${base()}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k', host: 'elsewhere.example' },
    body: JSON.stringify({ model: 'm', messages: ask }),
  }).then((answer) => answer.text());
  expect(upstream.requests.at(-1)).toMatchObject({ path: upstreamPath, headers: { host } });
});

test('a client that hangs up ends the call upstream', async () => {
  upstream.behave({ chunkDelayMs: 40, chunkCharacters: 1 });
  const stream = await openai().chat.completions.create({ model: 'gpt-4o', messages: ask, stream: true });
  for await (const _chunk of stream) break;
  expect((await recorded.promise).data).toMatchObject({ status: 499 });
  expect(await upstream.requests.at(-1)?.closed).toBe('abandoned');
});

test('an upstream that cannot be reached is a 502 in its own shape, without the mapped address', async () => {
  const answer = await absolute('http://nobody.example/v1/anything');
  expect(answer.status).toBe(502);
  expect(answer.body).toContain('nobody.example cannot be reached');
  expect(answer.body).not.toContain('127.0.0.1');
});

test('an upstream that breaks off leaves a broken answer, not a short one', async () => {
  upstream.behave({ dropAfterEvents: 2, chunkDelayMs: 30, chunkCharacters: 1 });
  const stream = await openai().chat.completions.create({ model: 'gpt-4o', messages: ask, stream: true });
  await expect(
    (async () => {
      for await (const _chunk of stream);
    })(),
  ).rejects.toThrow();
});

test('plain HTTP through the proxy is governed by the host in the URL, not the one in the header', async () => {
  snapshot = policy('rules: [{ id: no-plain, effect: deny, destinations: [plain.example] }]');
  expect((await absolute('http://plain.example/v1/models', { host: 'gateway.example' })).status).toBe(403);
  await absolute('http://gateway.example/v1/models', { host: 'plain.example', authorization: 'Bearer k' });
  expect(upstream.requests.at(-1)?.headers.host).toBe('gateway.example');
});

test('headers of one hop stay on their hop', async () => {
  await absolute('http://gateway.example/v1/models', {
    authorization: 'Bearer k',
    connection: 'x-private, keep-alive',
    'x-private': 'hop',
    'proxy-authorization': 'Basic abc',
    'x-public': 'end',
  });
  const headers = upstream.requests.at(-1)?.headers ?? {};
  expect(headers).toMatchObject({ 'x-public': 'end', authorization: 'Bearer k' });
  expect(Object.keys(headers)).not.toContain('x-private');
  expect(Object.keys(headers)).not.toContain('proxy-authorization');
});

test.each([
  ['both lengths', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'],
  ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!'],
  ['an unknown transfer encoding', 'Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'],
  ['a signed length', 'Content-Length: +5\r\n', 'hello'],
  ['two hosts', 'Host: other.example\r\nContent-Length: 0\r\n', ''],
])('a request with %s is refused and its connection closed', async (_what, lines, body) => {
  const answer = await raw(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n${lines}\r\n${body}`);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(upstream.requests).toEqual([]);
});

test('the proxy does not call itself', async () => {
  expect((await absolute(`http://localhost:${proxy.port}/v1/models`)).status).toBe(400);
  expect(await raw(`CONNECT 127.0.0.1:${proxy.port} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400/);
});

test('a caller that cannot be identified does not slip past a rule about AI agents', async () => {
  caller = UNKNOWN_CALLER;
  snapshot = policy('rules: [{ id: no-bots, effect: deny, agents: { names: [bot] } }]');
  expect((await absolute('http://gateway.example/v1/models')).status).toBe(403);
});

test('it answers on the IPv6 loopback too', async () => {
  const answer = await fetch(`http://[::1]:${proxy.port}/v1/models`, {
    headers: { authorization: 'Bearer k' },
  });
  expect(answer.status).toBe(200);
});

async function absolute(url: string, headers: Record<string, string> = {}) {
  const outgoing = httpRequest({ host: '127.0.0.1', port: proxy.port, path: url, headers, agent: false });
  outgoing.end();
  const [answer] = await once(outgoing, 'response');
  let body = '';
  for await (const chunk of answer) body += chunk;
  return { status: Number(answer.statusCode), body };
}

async function raw(text: string): Promise<string> {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.write(text);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}
