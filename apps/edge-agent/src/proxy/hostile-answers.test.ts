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

const TOKEN = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');
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
  ['in a character set that nobody knows', 'application/json; charset=x-user-defined', `{"text":"${TOKEN}"}`],
  ['packed deeper than is looked', 'application/json', packed(TOKEN, 9)],
])(
  'an answer that cannot be looked through is held back where policy is enforced: %s',
  async (_how, type, body) => {
    answer = (response) => response.writeHead(200, { 'content-type': type }).end(body);
    world.govern(STRICT);
    const held = await call();
    expect(held.status).toBe(403);
    expect(held.text).not.toContain(TOKEN);
    world.govern(STRICT, 'monitor');
    expect(await call()).toEqual({ status: 200, text: body });
  },
);
