import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
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
