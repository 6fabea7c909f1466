import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { promisify } from 'node:util';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { fetch as undiciFetch } from 'undici';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TestInterception } from '../testing/test-interception.ts';
import { BOT } from '../testing/test-proxy.ts';

const run = promisify(execFile);
const ask = [{ role: 'user' as const, content: 'What is the capital of France?' }];
let world: TestInterception;
beforeAll(async () => {
  world = await TestInterception.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

const HEADERS = { authorization: 'Bearer any-key' };

/** Stock programs as somebody runs them who trusts the root. */
const PROGRAMS: Record<string, () => Promise<{ stdout: string; stderr: string }>> = {
  'curl over HTTP/1.1': () =>
    run('curl', [
      ...['-sS', '--http1.1', '-x', world.url, '--cacert', world.rootFile, '-w', '\n%{http_version}'],
      ...['-H', 'authorization: Bearer any-key', 'https://api.openai.com/v1/models'],
    ]),
  'curl over HTTP/2': () =>
    run('curl', [
      ...['-sS', '--http2', '-x', world.url, '--cacert', world.rootFile, '-w', '\n%{http_version}'],
      ...['-H', 'authorization: Bearer any-key', 'https://api.openai.com/v1/models'],
    ]),
  'fetch of Node.js': () =>
    run(
      process.execPath,
      [
        '-e',
        `fetch('https://api.openai.com/v1/models', { headers: ${JSON.stringify(HEADERS)} })
           .then((answer) => answer.text()).then(console.log)`,
      ],
      { env: { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: world.url, NODE_EXTRA_CA_CERTS: world.rootFile } },
    ),
  'urllib of Python': () =>
    run(
      'python3',
      [
        '-c',
        `import urllib.request as u
print(u.urlopen(u.Request('https://api.openai.com/v1/models', headers=${JSON.stringify(HEADERS)})).read().decode())`,
      ],
      { env: { PATH: process.env.PATH, https_proxy: world.url, SSL_CERT_FILE: world.rootFile } },
    ),
  'http.client of Python': () =>
    run(
      'python3',
      [
        '-c',
        `import http.client as h
c = h.HTTPSConnection('127.0.0.1', ${world.proxy.port})
c.set_tunnel('api.openai.com', 443)
c.request('GET', '/v1/models', headers=${JSON.stringify(HEADERS)})
print(c.getresponse().read().decode())`,
      ],
      { env: { PATH: process.env.PATH, SSL_CERT_FILE: world.rootFile } },
    ),
};

test.each(Object.keys(PROGRAMS))('%s works unchanged, and its request is read', async (name) => {
  const { stdout } = await (PROGRAMS[name]?.() ?? Promise.reject(new Error(name)));
  expect(stdout).toContain('"object":"list"');
  if (name.startsWith('curl')) expect(stdout).toMatch(name.endsWith('2') ? /\n2$/ : /\n1\.1$/);
  expect(await world.recorded('network.request')).toMatchObject({
    target: 'api.openai.com/v1/models',
    actor: { id: BOT.agent.id },
    data: { inspected: true, status: 200, provider: 'openai' },
  });
  expect(world.events.some(({ type }) => type === 'network.tunnel')).toBe(false);
});

test.each(Object.keys(PROGRAMS))('%s sees a denial, and the upstream sees nothing', async (name) => {
  world.enforce('rules: [{ id: no-openai, effect: deny, providers: [openai], reason: Not with this one. }]');
  const seen = await (PROGRAMS[name]?.() ?? Promise.reject(new Error(name))).catch((error) => error);
  expect(`${seen.stdout}${seen.stderr}`).toMatch(/Not with this one|403/);
  expect(world.upstream.requests).toEqual([]);
  expect(await world.recorded('network.request')).toMatchObject({
    verdict: { outcome: 'DENY', rule: 'no-openai' },
    data: { denied: true },
  });
});

test('the official OpenAI client streams, uses tools and meets errors through a tunnel as it does directly', async () => {
  const client = new OpenAI({
    apiKey: 'any-key',
    maxRetries: 0,
    // Node's own types of fetch and those of the undici package describe the same functions.
    fetch: undiciFetch as unknown as typeof fetch,
    fetchOptions: { dispatcher: world.dispatcher() },
  });
  const stream = await client.chat.completions.create({ model: 'gpt-4o', messages: ask, stream: true });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  expect(text).toBe('You said: What is the capital of France?');
  await expect(
    client.chat.completions.create({ model: 'no-such-model', messages: ask }),
  ).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  world.enforce('rules: [{ id: no-gpt, effect: deny, models: ["gpt-4*"] }]');
  await expect(client.chat.completions.create({ model: 'gpt-4o', messages: ask })).rejects.toBeInstanceOf(
    OpenAI.PermissionDeniedError,
  );
  const other = await client.chat.completions.create({ model: 'o3-mini', messages: ask });
  expect(other.choices[0]?.message.content).toContain('You said');
});

test('the official Anthropic client streams through a tunnel', async () => {
  const client = new Anthropic({
    apiKey: 'any-key',
    maxRetries: 0,
    // As above.
    fetch: undiciFetch as unknown as typeof fetch,
    fetchOptions: { dispatcher: world.dispatcher() },
  });
  const message = await client.messages
    .stream({ model: 'claude-example', max_tokens: 100, messages: ask })
    .finalMessage();
  expect(message.content).toEqual([{ type: 'text', text: 'You said: What is the capital of France?' }]);
  expect(await world.recorded('network.request')).toMatchObject({ data: { model: 'claude-example' } });
});

test('many HTTP/2 streams over one connection are decided one by one', async () => {
  world.enforce('rules: [{ id: no-gpt, effect: deny, models: ["gpt-4*"] }]');
  const socket = await world.secure('api.openai.com:443', { ALPNProtocols: ['h2'] });
  const session = connectHttp2('https://api.openai.com', { createConnection: () => socket });
  await using _closing = { [Symbol.asyncDispose]: async () => session.destroy() };
  const statuses = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/v1/chat/completions',
        'content-type': 'application/json',
        authorization: 'Bearer any-key',
      });
      stream.end(JSON.stringify({ model: index % 2 === 0 ? 'gpt-4o' : 'o3-mini', messages: ask }));
      const [headers] = await once(stream, 'response');
      let body = '';
      for await (const chunk of stream) body += chunk;
      expect(JSON.parse(body)).toHaveProperty(index % 2 === 0 ? 'error' : 'choices');
      return headers[':status'];
    }),
  );
  expect(statuses).toEqual(Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 403 : 200)));
});
