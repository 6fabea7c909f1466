import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { BOT, TestProxy } from '../testing/test-proxy.ts';
import { UNKNOWN_CALLER } from './caller.ts';

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

const ask = [{ role: 'user' as const, content: 'What is the capital of France?' }];

test('the event names who, what, which model and the verdict, and holds neither key nor prompt nor query', async () => {
  const key = ['sk', 'live', 'y'.repeat(24)].join('-');
  await fetch(`${world.url}/v1/chat/completions?trace=private-query`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', messages: ask }),
  }).then((answer) => answer.text());
  const event = await world.recorded;
  expect(event).toMatchObject({
    type: 'network.request',
    actor: { kind: 'ai-agent', id: BOT.agent.id, name: 'bot', pid: 4321 },
    target: 'api.openai.com/v1/chat/completions',
    verdict: { outcome: 'ALLOW', mode: 'enforce', revision: 7 },
    data: { host: 'api.openai.com', provider: 'openai', model: 'gpt-4o', status: 200, denied: false },
  });
  const text = JSON.stringify(event);
  for (const secret of [key, 'capital of France', 'private-query']) expect(text).not.toContain(secret);
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
  world.enforce('rules: [{ id: no-gpt, effect: deny, models: ["gpt-4*"] }]');
  const answer = await fetch(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  expect(answer.status).toBe(403);
  expect(world.upstream.requests).toEqual([]);
});

test('a body larger than the limit is sent on byte for byte without being held', async () => {
  const body = JSON.stringify({
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'z'.repeat(3_000_000) }],
  });
  const answer = await fetch(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
    body,
  });
  await answer.text();
  expect(world.upstream.requests.at(-1)?.body.equals(Buffer.from(body))).toBe(true);
});

test.each([
  ['/deepseek/v1/chat/completions', 'api.deepseek.com', '/v1/chat/completions'],
  ['/openai/v1/chat/completions', 'api.openai.com', '/v1/chat/completions'],
])('%s is sent to %s', async (path, host, upstreamPath) => {
  await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
    body: JSON.stringify({ model: 'm', messages: ask }),
  }).then((answer) => answer.text());
  expect(world.upstream.requests.at(-1)).toMatchObject({ path: upstreamPath, headers: { host } });
});

test('an upstream that cannot be reached is a 502 in its own shape, without the mapped address', async () => {
  const answer = await world.absolute('http://nobody.example/v1/anything');
  expect(answer.status).toBe(502);
  expect(answer.body).toContain('nobody.example cannot be reached');
  expect(answer.body).not.toContain('127.0.0.1');
});

test('plain HTTP through the proxy is governed by the host in the URL, not the one in the header', async () => {
  world.enforce('rules: [{ id: no-plain, effect: deny, destinations: [plain.example] }]');
  expect((await world.absolute('http://plain.example/v1/models', { host: 'gateway.example' })).status).toBe(
    403,
  );
  await world.absolute('http://gateway.example/v1/models', {
    host: 'plain.example',
    authorization: 'Bearer k',
  });
  expect(world.upstream.requests.at(-1)?.headers.host).toBe('gateway.example');
});

test('a credential in a path is not recorded', async () => {
  const token = `123456:${'aB3'.repeat(12)}`;
  await world.absolute(`http://gateway.example/bot${token}/sendMessage`);
  const { target } = await world.recorded;
  expect(target).toMatch(/^gateway\.example\/.*\/sendMessage$/);
  expect(target).not.toContain(token.slice(7));
});

test('headers of one hop stay on their hop', async () => {
  await world.absolute('http://gateway.example/v1/models', {
    authorization: 'Bearer k',
    connection: 'x-private, keep-alive',
    'x-private': 'hop',
    'proxy-authorization': 'Basic abc',
    'x-public': 'end',
  });
  const headers = world.upstream.requests.at(-1)?.headers ?? {};
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
  const answer = await world.raw(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n${body}`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(world.upstream.requests).toEqual([]);
});

test('the proxy does not call itself', async () => {
  expect((await world.absolute(`http://localhost:${world.proxy.port}/v1/models`)).status).toBe(400);
  expect(await world.raw(`CONNECT 127.0.0.1:${world.proxy.port} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 400/,
  );
});

test('a caller that cannot be identified does not slip past a rule about AI agents', async () => {
  world.caller = UNKNOWN_CALLER;
  world.enforce('rules: [{ id: no-bots, effect: deny, agents: { names: [bot] } }]');
  expect((await world.absolute('http://gateway.example/v1/models')).status).toBe(403);
});

test('it answers on the IPv6 loopback too', async () => {
  const answer = await fetch(`http://[::1]:${world.proxy.port}/v1/models`, {
    headers: { authorization: 'Bearer k' },
  });
  expect(answer.status).toBe(200);
});
