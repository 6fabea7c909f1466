import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import { compilePolicy, parsePolicy } from '@raypher/policy';
import { type FakeUpstream, startFakeUpstream } from '@raypher/testkit';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { engines, inForce } from '../testing/policy-in-force.ts';
import { BOT } from '../testing/test-proxy.ts';
import { sealInto, startTestVault } from '../testing/test-vault.ts';
import type { Vault } from '../vault/vault.ts';
import type { CallerStanding } from './caller.ts';
import { withoutQueryCredentials } from './credential-placeholder.ts';
import { LocalProxy } from './local-proxy.ts';

/** Put together here so that they are no keys anywhere. */
const key = (provider: string): string => ['sealed', provider, 'k'.repeat(20)].join('-');
const ask = [{ role: 'user' as const, content: 'Hello' }];
const ALLOWED: CallerStanding = { allowed: true, entry: '/usr/bin/bot' };
const REFUSED: CallerStanding = {
  allowed: false,
  code: 'caller/not-allowed',
  reason: '/usr/bin/bot is not on the allow list.',
  hint: 'raypher allow /usr/bin/bot',
};

let upstream: FakeUpstream;
let proxy: LocalProxy;
let vault: Vault;
let standing: CallerStanding = ALLOWED;
const events: EventDraft[] = [];
const parsed = parsePolicy('apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow }\n', {
  layer: 'global',
});
if (!parsed.ok) throw new Error('policy');
const policy = compilePolicy({ revision: 7, layers: [parsed] });

const HOSTS = [
  'api.openai.com',
  'api.anthropic.com',
  'generativelanguage.googleapis.com',
  'api.mistral.ai',
  'api.deepseek.com',
  'other.example',
  'api.openai.com:8080',
];
let connectTo: Record<string, string>;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  vault = await startTestVault();
  for (const provider of ['openai', 'anthropic', 'gemini', 'groq']) {
    await sealInto(vault, provider, provider, key(provider));
  }
  await sealInto(vault, 'second', 'openai', key('second'));
  await sealInto(vault, 'one', 'mistral', key('one'));
  await sealInto(vault, 'two', 'mistral', key('two'));
  connectTo = {
    ...Object.fromEntries(HOSTS.map((host) => [host, upstream.url])),
    // Not this machine, and not encrypted. Nothing answers there (RFC 5737).
    'api.groq.com': 'http://192.0.2.1:9',
  };
  proxy = new LocalProxy(
    {
      port: 0,
      bodyLimitBytes: 1024 * 1024,
      connectTo,
    },
    {
      policy: inForce(() => policy),
      ...engines(),
      identify: async () => BOT,
      authorise: async () => standing,
      keys: vault,
      record: (event) => events.push(event),
      modelSeen: () => {},
      failed: (error) => {
        throw error;
      },
    },
  );
  await proxy.start();
});
afterEach(() => {
  standing = ALLOWED;
  // Whatever was tried: no event holds a key.
  for (const provider of ['openai', 'anthropic', 'gemini', 'groq', 'second', 'one', 'two']) {
    expect(JSON.stringify(events)).not.toContain(key(provider));
  }
  events.length = 0;
  upstream.reset();
});
afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

async function send(
  path: string,
  headers: Record<string, string | string[]> = {},
  method = 'POST',
): Promise<{ status: number; body: string; headers: IncomingHttpHeaders }> {
  const outgoing = request({ host: '127.0.0.1', port: proxy.port, path, method, headers, agent: false });
  outgoing.end(method === 'POST' ? JSON.stringify({ model: 'gpt-4o', messages: ask }) : undefined);
  const [answer] = await once(outgoing, 'response');
  let body = '';
  for await (const chunk of answer) body += chunk;
  return { status: Number(answer.statusCode), body, headers: answer.headers };
}

function openai(apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `http://127.0.0.1:${proxy.port}/v1`, apiKey, maxRetries: 0 });
}

const arrived = () => upstream.requests.at(-1)?.headers ?? {};

describe('a placeholder becomes the sealed key', () => {
  test('of the OpenAI client, in its default and its named form', async () => {
    await openai('raypher').chat.completions.create({ model: 'gpt-4o', messages: ask });
    expect(arrived().authorization).toBe(`Bearer ${key('openai')}`);
    await openai('raypher:second').chat.completions.create({ model: 'gpt-4o', messages: ask });
    expect(arrived().authorization).toBe(`Bearer ${key('second')}`);
    expect(events.map(({ data }) => data.credential)).toEqual(['sealed:openai', 'sealed:second']);
  });

  test('of the Anthropic client', async () => {
    const client = new Anthropic({
      baseURL: `http://127.0.0.1:${proxy.port}`,
      apiKey: 'raypher',
      maxRetries: 0,
    });
    await client.messages.create({ model: 'claude-test', max_tokens: 10, messages: ask });
    expect(arrived()['x-api-key']).toBe(key('anthropic'));
    expect(arrived().authorization).toBeUndefined();
  });

  test('of Gemini, in the header and in the query, which goes on without it', async () => {
    const path = '/gemini/v1beta/models/gemini-2.0-flash:generateContent';
    await send(path, { 'x-goog-api-key': 'raypher' });
    expect(arrived()['x-goog-api-key']).toBe(key('gemini'));
    for (const query of ['key=raypher&alt=a%20b', 'alt=a%20b&%6bey=raypher%3Agemini']) {
      await send(`${path}?${query}`);
      expect(arrived()['x-goog-api-key']).toBe(key('gemini'));
      expect(withoutQueryCredentials(`${path}?${query}`)).toBe(`${path}?alt=a%20b`);
    }
    await send('/gemini/v1beta/openai/chat/completions', { authorization: 'Bearer raypher' });
    expect(arrived()).toMatchObject({ authorization: `Bearer ${key('gemini')}` });
    expect(arrived()['x-goog-api-key']).toBeUndefined();
  });

  test('and no other credential goes with it', async () => {
    await send('/openai/v1/chat/completions', {
      authorization: 'Bearer raypher',
      'x-api-key': 'mine',
      'api-key': 'mine',
      'x-goog-api-key': 'mine',
      cookie: 'session=mine',
    });
    expect(arrived().authorization).toBe(`Bearer ${key('openai')}`);
    expect(JSON.stringify(arrived())).not.toContain('mine');
  });

  test('also where there is none at all, or an empty one', async () => {
    for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: '' }]) {
      await send('/openai/v1/chat/completions', headers);
      expect(arrived().authorization).toBe(`Bearer ${key('openai')}`);
    }
  });
});

test("the caller's own key goes on unchanged and is recorded as such", async () => {
  await send('/openai/v1/chat/completions', { authorization: 'Bearer raypher-is-not-the-placeholder' });
  expect(arrived().authorization).toBe('Bearer raypher-is-not-the-placeholder');
  expect(events[0]?.data.credential).toBe('own');
  await send('/deepseek/v1/chat/completions');
  expect(arrived().authorization).toBeUndefined();
  expect(events[1]?.data.credential).toBe('none');
});

test('a program that is not allowed is refused in its dialect and never reaches the upstream', async () => {
  standing = REFUSED;
  const error = await openai('raypher')
    .chat.completions.create({ model: 'gpt-4o', messages: ask })
    .catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError);
  expect(String(error)).toContain('raypher allow /usr/bin/bot');
  expect((await send('/openai/v1/chat/completions', { 'x-api-key': 'raypher:openai' })).status).toBe(403);
  expect(upstream.requests).toEqual([]);
  expect(events[0]).toMatchObject({
    type: 'vault.refused',
    verdict: { outcome: 'DENY', mode: 'enforce', layer: 'builtin', rule: 'caller-not-allowed', revision: 7 },
    data: { code: 'caller/not-allowed', provider: 'openai', status: 403 },
  });
  // With a key of its own it may go where policies let it.
  expect((await send('/openai/v1/chat/completions', { authorization: 'Bearer own' })).status).toBe(200);
});

test.each([
  ['a key is sealed', '/openai/v1/chat/completions'],
  ['several are', '/mistral/v1/chat/completions'],
])('a program that is not allowed and sends no credential goes on without one, where %s', async (_, path) => {
  standing = REFUSED;
  for (const headers of [{}, { authorization: 'Bearer ' }]) {
    const answer = await send(path, headers);
    // The provider's word, not ours.
    expect(answer.status).toBe(401);
    expect(answer.headers['x-raypher']).toBeUndefined();
    expect(JSON.stringify(arrived())).not.toContain('sealed-');
  }
  expect(upstream.requests).toHaveLength(2);
  expect(events.map(({ type, data }) => [type, data.credential])).toEqual([
    ['network.request', 'none'],
    ['network.request', 'none'],
  ]);
});

test('a placeholder without a sealed key is answered with how to seal one', async () => {
  const { status, body } = await send('/deepseek/v1/chat/completions', { authorization: 'Bearer raypher' });
  expect(status).toBe(401);
  expect(body).toContain('raypher seal deepseek --provider deepseek');
  const named = await send('/openai/v1/chat/completions', { authorization: 'Bearer raypher:nobody' });
  expect(named.status).toBe(401);
  expect(upstream.requests).toEqual([]);
});

test('of several keys without a default, one has to be named', async () => {
  const { status, body } = await send('/mistral/v1/chat/completions', { authorization: 'Bearer raypher' });
  expect(status).toBe(400);
  expect(body).toContain('raypher:NAME');
  await send('/mistral/v1/chat/completions', { authorization: 'Bearer raypher:two' });
  expect(arrived().authorization).toBe(`Bearer ${key('two')}`);
});

describe('nothing leaves', () => {
  test.each([
    ['a placeholder, to a host that is no provider', 'http://other.example/v1/chat/completions', 'raypher'],
    ['a named one', 'http://other.example/', 'raypher:openai'],
    ['a placeholder in a query', 'http://other.example/?api_key=raypher', undefined],
    ["the key, to another port of the provider's name", 'https://api.openai.com:8080/v1/models', 'raypher'],
    ['the key, over plain HTTP', 'http://api.openai.com/v1/models', 'raypher'],
    ['the key, over plain HTTP to a mapped address elsewhere', '/groq/v1/models', 'raypher'],
    ['the key of one provider, to another', '/anthropic/v1/messages', 'raypher:openai'],
    ['two placeholders', '/openai/v1/models', ['raypher:openai', 'raypher:second']],
  ])('of %s', async (_, url, placeholder) => {
    const values = [placeholder].flat().filter((value) => value !== undefined);
    const headers =
      values.length === 0 ? {} : { authorization: `Bearer ${values[0]}`, 'x-api-key': values.at(-1) ?? '' };
    const { status } = await send(url, headers);
    expect([400, 401, 403]).toContain(status);
    expect(upstream.requests).toEqual([]);
    expect(events.map(({ type }) => type)).toEqual(['vault.refused']);
  });

  test('without a placeholder, to a host that only looks like the provider', async () => {
    await send('http://other.example/v1/chat/completions');
    expect(JSON.stringify(upstream.requests.map(({ headers }) => headers))).not.toContain('sealed-');
    await send('http://api.openai.com/v1/chat/completions');
    expect(JSON.stringify(upstream.requests.map(({ headers }) => headers))).not.toContain('sealed-');
  });

  test('by a repeated header of which Node keeps the first', async () => {
    const { status } = await send('http://other.example/', {
      authorization: ['Bearer own', 'Bearer raypher'],
    });
    expect(status).toBe(403);
    expect(upstream.requests).toEqual([]);
  });

  test('by TRACE, whose answer is the request', async () => {
    expect((await send('/openai/v1/models', { authorization: 'Bearer raypher' }, 'TRACE')).status).toBe(400);
    expect(upstream.requests).toEqual([]);
  });

  test('by a redirect, which is the caller’s to follow', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const elsewhere = createServer((incoming, response) => {
      seen.push(incoming.headers);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const target = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
    const moved = createServer((incoming, response) => {
      seen.push(incoming.headers);
      response.writeHead(307, { location: target }).end();
    }).listen(0, '127.0.0.1');
    await once(moved, 'listening');
    proxy.redirect({ 'api.openai.com': `http://127.0.0.1:${(moved.address() as AddressInfo).port}` });
    try {
      const answer = await send('/openai/v1/models', { authorization: 'Bearer raypher' });
      expect(answer.status).toBe(307);
      expect(seen).toHaveLength(1);
      expect(JSON.stringify(answer)).not.toContain(key('openai'));
    } finally {
      proxy.redirect(connectTo);
      elsewhere.close();
      moved.close();
    }
  });
});
