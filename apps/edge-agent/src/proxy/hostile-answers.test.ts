import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Budgets } from '../budgets/budgets.ts';
import { MIGRATIONS } from '../store/migrations.ts';
import { TestProxy } from '../testing/test-proxy.ts';

let world: TestProxy;
/** A provider that answers with whatever a test says. */
let answer: (response: ServerResponse) => void;
const provider = createServer((request, response) => {
  request.resume();
  request.once('end', () => answer(response));
});

beforeAll(async () => {
  world = await TestProxy.start();
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const address = provider.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  world.proxy.redirect({ 'api.openai.com': `http://127.0.0.1:${port}` });
});
afterEach(() => world.reset());
afterAll(async () => {
  await world.stop();
  provider.closeAllConnections();
  provider.close();
});

const STRICT = 'dlp: { default: block, rules: [{ id: out, effect: allow, direction: out, classes: ["*"] }] }';

async function call(stream = false): Promise<{ status: number; text: string }> {
  const body = JSON.stringify({ model: 'gpt-4o', stream, messages: [{ role: 'user', content: 'hi' }] });
  const headers = { 'content-type': 'application/json', authorization: 'Bearer k' };
  const response = await fetch(`${world.url}/v1/chat/completions`, { method: 'POST', body, headers });
  return { status: response.status, text: await response.text().catch(() => 'broken off') };
}

/** As often as it is packed, in strings of JSON. */
function packed(text: string, times: number): string {
  return times === 0 ? text : packed(JSON.stringify({ text }), times - 1);
}

test.each([
  [
    'in a character set that nobody knows',
    'application/json; charset=x-user-defined',
    '{"text":"plain words"}',
  ],
  ['packed deeper than is looked', 'application/json', packed('plain words', 9)],
])(
  'an answer that cannot be looked through is held back where policy is enforced: %s',
  async (_how, type, body) => {
    answer = (response) => response.writeHead(200, { 'content-type': type }).end(body);
    world.govern(STRICT);
    const held = await call();
    expect(held.status).toBe(403);
    expect(held.text).not.toContain('plain words');
    world.govern(STRICT, 'monitor');
    expect(await call()).toEqual({ status: 200, text: body });
  },
);

test.each([
  ['in a coding that nobody knows', { 'content-type': 'application/json', 'content-encoding': 'x-own' }],
  ['longer than is held', { 'content-type': 'application/json' }],
])('an answer that is held back does not keep its connection: %s', async (_how, headers) => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  answer = (response) => {
    response.writeHead(200, headers).write(Buffer.alloc(3 * 1024 * 1024, ' '));
    // It never ends by itself.
    response.once('close', resolve);
  };
  world.govern(STRICT);
  expect((await call()).status).toBe(403);
  await closed;
});

test.each([
  'application/javascript',
  'application/yaml',
  'image/svg+xml',
  'application/x-www-form-urlencoded',
])('text by another name is looked through: %s', async (type) => {
  const token = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');
  answer = (response) => response.writeHead(200, { 'content-type': type }).end(`it is ${token} here`);
  world.govern(
    'dlp: { default: allow, rules: [{ id: in, effect: redact, direction: in, classes: [credential] }] }',
  );
  expect((await call()).text).toMatch(/^it is \[\[CREDENTIAL_[0-9A-F]+\]\] here$/);
});

test.each([
  ['negative', { prompt_tokens: -5_000, completion_tokens: -5_000 }],
  ['without end', { prompt_tokens: 1e308, completion_tokens: 1e308 }],
  ['no number', { prompt_tokens: '5', completion_tokens: [] }],
])('a usage that is %s gives no money back and breaks nothing', async (_how, usage) => {
  const choices = [{ finish_reason: 'stop', message: { content: 'words '.repeat(1_000) } }];
  answer = (response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ model: 'gpt-4o', choices, usage }));
  world.govern('');
  expect((await call()).status).toBe(200);
  const { costMicros, outputTokens } = (await world.recorded).data;
  expect(costMicros).toBeGreaterThan(0);
  expect(Number.isSafeInteger(costMicros)).toBe(true);
  expect(outputTokens).toBeGreaterThan(500);
});

test('a line without an end keeps nobody busy, and hides no usage behind it', async () => {
  const line = Buffer.alloc(64 * 1024, 'x');
  answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let sent = 0; sent < 12 * 1024 * 1024; sent += line.length) response.write(line);
    const usage = { prompt_tokens: 1_000, completion_tokens: 2_000 };
    response.end(`\n\ndata: ${JSON.stringify({ choices: [{ finish_reason: 'stop' }], usage })}\n\n`);
  };
  world.govern('');
  const began = process.cpuUsage().user;
  expect((await call(true)).status).toBe(200);
  expect((process.cpuUsage().user - began) / 1000).toBeLessThan(4_000);
  expect((await world.recorded).data).toMatchObject({ outputTokens: 2_000, tokensEstimated: false });
});

test.each([
  ['/v1/videos', { model: 'gpt-4o', prompt: 'x' }],
  ['/v1/batches', { input_file_id: 'f' }],
])('what %s costs is unknown when its answer says nothing, and not little', async (path, asked) => {
  answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"x"}');
  const headers = { 'content-type': 'application/json', authorization: 'Bearer k' };
  const response = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(asked),
  });
  expect(await response.json()).toEqual({ id: 'x' });
  const { data } = await world.recorded;
  expect(data).toMatchObject({ status: 200, tokensEstimated: true });
  expect(data).not.toHaveProperty('costMicros');
});

test('an answer in the background is charged as if it were the longest', async () => {
  const queued = { id: 'r', status: 'queued', background: true, model: 'gpt-4o', usage: null };
  answer = (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(queued));
  const db = new DatabaseSync(':memory:');
  for (const step of MIGRATIONS) db.exec(step);
  // No day ends in the middle of it.
  const now = Date.now();
  const budgets = new Budgets(db, { clock: () => now });
  world.spending = budgets;
  world.govern('financial: { limits: [{ id: daily, amount: 10, per: day, scope: organisation }] }');
  const response = await fetch(`${world.url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
    body: JSON.stringify({ model: 'gpt-4o', input: 'x', background: true, max_output_tokens: 10_000 }),
  });
  expect(await response.json()).toEqual(queued);
  await world.recorded;
  const [account] = budgets.accounts();
  expect(account?.spent).toBeGreaterThanOrEqual(100_000);
  db.close();
});
