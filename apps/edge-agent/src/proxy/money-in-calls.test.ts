import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Budgets } from '../budgets/budgets.ts';
import { MIGRATIONS } from '../store/migrations.ts';
import { BOT, TestProxy } from '../testing/test-proxy.ts';

let world: TestProxy;
let db: DatabaseSync;
/** Stands still, so that no day ends in the middle of a test. */
const now = Date.now();
const open = () => new Budgets(db, { clock: () => now });
beforeAll(async () => {
  world = await TestProxy.start();
});
beforeEach(() => {
  db = new DatabaseSync(':memory:');
  for (const step of MIGRATIONS) db.exec(step);
  world.spending = open();
});
afterEach(() => {
  world.reset();
  db.close();
});
afterAll(() => world.stop());

const say = {
  model: 'gpt-4o',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'Hello there' }],
};
const calls = () => world.events.filter(({ type }) => type === 'network.request');
const limit = (dollars: number, more = '') =>
  `financial: { limits: [{ id: daily, amount: ${dollars}, per: day, scope: organisation${more} }] }`;
const spent = () =>
  calls().reduce((sum, { data }) => sum + (typeof data.costMicros === 'number' ? data.costMicros : 0), 0);

describe('a call and its cost', () => {
  test('is in the record exactly where the provider says what was used', async () => {
    const answer = await world.openai().chat.completions.create(say);
    expect(calls()[0]?.data).toMatchObject({
      model: 'gpt-4o',
      inputTokens: answer.usage?.prompt_tokens,
      outputTokens: answer.usage?.completion_tokens,
      tokensEstimated: false,
      costEstimated: false,
      pricedAs: 'gpt-4o',
    });
    expect(calls()[0]?.data.costMicros).toBeGreaterThan(0);
  });

  test('of a stream without usage is reckoned, and marked', async () => {
    const stream = await world.openai().chat.completions.create({ ...say, stream: true });
    for await (const _event of stream);
    await world.recorded;
    expect(calls()[0]?.data).toMatchObject({ tokensEstimated: true, costEstimated: true });
    expect(calls()[0]?.data.outputTokens).toBeGreaterThan(0);
  });

  test("of Anthropic's stream is the last running total, not the sum of all", async () => {
    const client = world.anthropic();
    const message = await client.messages
      .stream({ model: 'claude-3-5-haiku-latest', max_tokens: 50, messages: say.messages })
      .finalMessage();
    await world.recorded;
    expect(calls()[0]?.data).toMatchObject({
      inputTokens: message.usage.input_tokens,
      outputTokens: message.usage.output_tokens,
      tokensEstimated: false,
    });
  });

  test('of a client that hangs up before the end is charged all the same', async () => {
    world.govern(limit(10));
    world.upstream.behave({ chunkDelayMs: 20, chunkCharacters: 1 });
    const stream = await world.openai().chat.completions.create({ ...say, stream: true });
    for await (const _event of stream) break;
    stream.controller.abort();
    const event = await world.recorded;
    expect(event.data).toMatchObject({ brokenOff: 'client', status: 499, costEstimated: true });
    expect(event.data.costMicros).toBeGreaterThan(0);
  });

  test('of a client that does not wait for a whole answer is charged all the same', async () => {
    world.govern(limit(10));
    // Longer than it takes anybody to hang up.
    world.upstream.behave({ delayMs: 10_000 });
    const controller = new AbortController();
    const sent = world.upstream.nextRequest();
    const call = world.openai().chat.completions.create(say, { signal: controller.signal });
    call.catch(() => undefined);
    await sent;
    controller.abort();
    const event = await world.recorded;
    expect(event.data).toMatchObject({ brokenOff: 'client', status: 499, costEstimated: true });
    expect(event.data.costMicros).toBeGreaterThan(0);
  });

  test('that never reached the provider costs nothing', async () => {
    const answer = await world.absolute('http://nobody.example/v1/chat/completions');
    expect(answer.status).toBe(502);
    expect((await world.recorded).data).not.toHaveProperty('costMicros');
  });

  test('that failed at the provider costs nothing', async () => {
    world.govern(limit(10));
    world.upstream.behave({ failWith: 500 });
    await world
      .openai()
      .chat.completions.create(say)
      .catch(() => undefined);
    expect((await world.recorded).data).not.toHaveProperty('costMicros');
    const [account] = open().accounts();
    expect(account).toMatchObject({ spent: 0, reserved: 0 });
  });

  test('of a model that nobody knows is the dearest of its provider, and marked', async () => {
    await world.openai().chat.completions.create({ ...say, model: 'gpt-99-unheard-of' });
    expect((await world.recorded).data).toMatchObject({ pricedAs: '*', costEstimated: true });
  });
});

describe('a limit', () => {
  test('refuses in the words of the provider, and says when there is room again', async () => {
    world.govern(limit(0.000001));
    const refused = await world
      .openai()
      .chat.completions.create(say)
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OpenAI.RateLimitError);
    expect(refused).toMatchObject({ status: 429, code: 'budget_exceeded' });
    expect(String(refused)).toContain('daily');
    expect(world.upstream.requests).toEqual([]);
    expect((await world.recorded).data).toMatchObject({ stopped: 'over-budget', denied: true });
  });

  test('says with Retry-After when waiting helps, and does not where it never will', async () => {
    const ask = () =>
      fetch(`${world.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
        body: JSON.stringify(say),
      });
    world.govern(limit(0.00115));
    expect((await ask()).status).toBe(200);
    const refused = await ask();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    world.govern(limit(0.000001));
    expect((await ask()).headers.get('retry-after')).toBeNull();
  });

  test('is not exceeded by a cent by 200 calls at once', async () => {
    // Less than all of them cost together: some are refused even where one is over before the next asks.
    const budget = 0.005;
    world.govern(limit(budget));
    world.upstream.behave({ delayMs: 30 });
    const client = world.openai();
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, () => client.chat.completions.create(say)),
    );
    const through = results.filter(({ status }) => status === 'fulfilled').length;
    expect(through).toBeGreaterThan(0);
    expect(through).toBeLessThan(200);
    expect(world.upstream.requests).toHaveLength(through);
    expect(spent()).toBeLessThanOrEqual(budget * 1e6);
    const [account] = open().accounts();
    expect(account).toMatchObject({ spent: spent(), reserved: 0 });
  }, 30_000);

  test('in monitor mode counts, records and refuses nothing', async () => {
    world.govern(limit(0.000001), 'monitor');
    await world.openai().chat.completions.create(say);
    expect(calls()[0]).toMatchObject({
      verdict: { outcome: 'DENY', mode: 'monitor' },
      data: { denied: false, wouldBlock: true },
    });
    expect(open().accounts()[0]?.spent).toBe(spent());
  });

  test('holds while its counters cannot be used, and breaks nothing in monitor mode', async () => {
    db.close();
    world.mayFail = true;
    world.govern(limit(1000));
    await expect(world.openai().chat.completions.create(say)).rejects.toThrow(/cannot be known/);
    world.govern(limit(1000), 'monitor');
    await world.openai().chat.completions.create(say);
    expect(world.failures).not.toEqual([]);
    db = new DatabaseSync(':memory:');
  });

  test('holds where counters can be read and not written, as on a full disk', async () => {
    world.mayFail = true;
    world.govern(limit(1000));
    db.exec('PRAGMA query_only = ON');
    await expect(world.openai().chat.completions.create(say)).rejects.toThrow(/cannot be counted|Raypher/);
    db.exec('PRAGMA query_only = OFF');
    expect(open().accounts()).toEqual([]);
  });

  test('is not given back when something of our own fails after the call was sent', async () => {
    world.mayFail = true;
    world.govern(limit(1000));
    const { prices } = world.engines;
    const find = prices.find.bind(prices);
    const before = world.upstream.requests.length;
    prices.find = (...asked) => {
      if (world.upstream.requests.length > before) throw new Error('a fault of our own');
      return find(...asked);
    };
    try {
      await world
        .openai()
        .chat.completions.create(say)
        .catch(() => undefined);
      await expect.poll(() => world.engines.connections.list()).toEqual([]);
    } finally {
      prices.find = find;
    }
    expect(world.upstream.requests.length).toBe(before + 1);
    expect(open().accounts()[0]).toMatchObject({ spent: 0, reserved: expect.any(Number) });
    expect(open().accounts()[0]?.reserved).toBeGreaterThan(0);
  });

  test('that several devices share is asked for before it is spent', async () => {
    const asked: [string[], number | undefined][] = [];
    const shares = open();
    shares.prepare = async (limits, amount) => {
      asked.push([limits.map(({ id }) => id), amount()]);
    };
    world.spending = shares;
    world.govern(limit(1000));
    await world.openai().chat.completions.create(say);
    expect(asked).toEqual([[['daily'], expect.any(Number)]]);
  });

  test('of one AI agent is not spent by another', async () => {
    // Room for one such call and no more: the longest answer of this model, at its price, and a little prompt.
    world.govern('financial: { limits: [{ id: own, amount: 0.16394, per: day, scope: agent }] }');
    const ask = () => world.direct('/v1/chat/completions', { authorization: 'Bearer k' });
    expect((await ask()).status).toBe(200);
    // Who calls is asked once per connection; each of these has its own.
    world.caller = { ...BOT, agent: { ...BOT.agent, id: 'cd'.repeat(32) } };
    expect((await ask()).status).toBe(200);
    world.caller = BOT;
    expect((await ask()).status).toBe(429);
  });

  const long = JSON.stringify({ ...say, n: 128, max_tokens: 16_000 });
  test.each([
    ['says twice how long its answer may be', Buffer.from(long.replace('}]', '}],"max_tokens":1'))],
    ['says it again with a capital', Buffer.from(long.replace('}]', '}],"Max_Tokens":1'))],
    ['is no UTF-8', Buffer.from(long, 'utf16le')],
    ['has a mark in front', Buffer.from(`\ufeff${long}`)],
    ['has a comment', Buffer.from(`/* */${long}`)],
  ])('is not got round with a body that %s', async (_how, body) => {
    world.govern(limit(1));
    const answer = await fetch(`${world.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
      body,
    });
    expect(answer.status).toBe(429);
    expect(world.upstream.requests).toEqual([]);
  });

  test.each([
    ['/gemini/v1beta/models/gemini-2.5-pro:generateContent', '"maxOutputTokens":60000,"maxOutputTokens":1'],
    [
      '/gemini/v1beta/models/gemini-2.5-pro:generateContent',
      '"maxOutputTokens":1,"maxOutput\\u0054okens":60000',
    ],
  ])('is not got round at %s with %s', async (path, settings) => {
    world.govern(limit(0.1));
    const answer = await fetch(`${world.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-goog-api-key': 'k' },
      body: `{"contents":[{"parts":[{"text":"hello"}]}],"generationConfig":{${settings}}}`,
    });
    expect(answer.status).toBe(429);
  });

  test('refuses a WebSocket, of which nobody knows what it will cost', async () => {
    world.govern(limit(1000));
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}/openai/v1/realtime?model=gpt-4o`);
    const [, answer] = await once(socket, 'unexpected-response');
    expect(answer.statusCode).toBe(429);
    expect(world.upstream.requests).toEqual([]);
  });

  test('refuses what is not charged by the token', async () => {
    world.govern(limit(1000));
    const answer = await fetch(`${world.url}/v1/videos`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
      body: JSON.stringify({ model: 'sora-2', prompt: 'x' }),
    });
    expect(answer.status).toBe(429);
  });

  test('does not look away from a body that is too large to read', async () => {
    world.govern(limit(1000));
    const answer = await fetch(`${world.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
      body: JSON.stringify({ ...say, filler: 'z'.repeat(1_200_000) }),
    });
    expect(answer.status).toBe(429);
  });
});
