import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ApprovalAnswer, ApprovalQuestion } from '../approvals/approval.ts';
import { BOT, TestProxy } from '../testing/test-proxy.ts';

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

const TOKEN = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');
const say = (content: string) => ({ model: 'gpt-4o', messages: [{ role: 'user' as const, content }] });

/** Somebody who answers everything the same way, and what they were asked. */
function somebody(answer: Partial<ApprovalAnswer>): ApprovalQuestion[] {
  const asked: ApprovalQuestion[] = [];
  world.approvals = {
    ask: async (question) => {
      asked.push(question);
      return { outcome: 'ALLOW', how: 'person', by: 'Ann', approval: 'a-1', ...answer };
    },
  };
  return asked;
}

const ASK = '{ id: ask-first, effect: prompt, destinations: [api.openai.com], reason: Ask before. }';

test('a call waits for a person, who sees what it is; then it goes on', async () => {
  world.enforce(`rules: [${ASK}]`);
  const asked = somebody({});
  await world.openai().chat.completions.create(say(`look at ${TOKEN} please`));
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({
    actor: { name: 'bot', pid: BOT.process.pid },
    target: 'api.openai.com/v1/chat/completions',
    verdict: { effective: { rule: 'ask-first' } },
    details: { model: 'gpt-4o', preview: 'look at ••• please' },
  });
  expect((await world.recorded).data).toMatchObject({ approval: 'a-1', denied: false });
});

test.each<[Partial<ApprovalAnswer>, RegExp]>([
  [{ outcome: 'DENY' }, /Ann was asked and said no/],
  [{ outcome: 'DENY', how: 'timeout', by: undefined }, /nobody answered in time/],
  [{ outcome: 'DENY', how: 'unavailable', by: undefined }, /No person could be asked/],
])('without a yes (%j) nothing is sent, and the AI agent is told to stop', async (answer, why) => {
  world.enforce(`rules: [${ASK}]`);
  somebody(answer);
  const refused = await world
    .openai()
    .chat.completions.create(say('hi'))
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(OpenAI.PermissionDeniedError);
  expect(String(refused)).toMatch(why);
  expect(String(refused)).toMatch(/do not look for another way/);
  expect(world.upstream.requests).toEqual([]);
});

test('a client that hangs up while a person thinks withdraws its question, and nothing is sent', async () => {
  world.enforce(`rules: [${ASK}]`);
  const { promise: withdrawn, resolve } = Promise.withResolvers<void>();
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  world.approvals = {
    ask: async (_question, gone) => {
      ask();
      await new Promise<void>((done) => gone.addEventListener('abort', () => done()));
      resolve();
      return { outcome: 'DENY', how: 'withdrawn', by: undefined, approval: 'a-2' };
    },
  };
  const controller = new AbortController();
  const call = world.openai().chat.completions.create(say('hi'), { signal: controller.signal });
  call.catch(() => undefined);
  await asked;
  controller.abort();
  await withdrawn;
  expect(world.upstream.requests).toEqual([]);
});

test('data waits for a person too, who sees what kind it is and never the data', async () => {
  world.govern(
    'dlp: { default: allow, rules: [{ id: ask, effect: prompt, direction: out, classes: [credential] }] }',
  );
  const asked = somebody({});
  await world.openai().chat.completions.create(say(`a ${TOKEN}`));
  expect(asked[0]?.details).toMatchObject({ data: ['github-pat'], preview: 'a •••' });
  expect(JSON.stringify(asked)).not.toContain(TOKEN);
  expect(world.upstream.requests).toHaveLength(1);
});

test('two requests that look the same to a person, and are not, are two questions', async () => {
  world.govern(
    'dlp: { default: allow, rules: [{ id: ask, effect: prompt, direction: out, classes: [credential] }] }',
  );
  const asked = somebody({});
  const other = `${TOKEN.slice(0, -4)}Qx7Z`;
  for (const token of [TOKEN, TOKEN, other]) await world.openai().chat.completions.create(say(`a ${token}`));
  const [first, again, second] = asked.map(({ content, ...shown }) => ({
    content,
    shown: JSON.stringify(shown),
  }));
  expect(second?.shown).toBe(first?.shown);
  expect(again?.content).toBe(first?.content);
  expect(second?.content).not.toBe(first?.content);
});

test('a person who cuts a connection ends it, and the record says so', async () => {
  world.upstream.behave({ chunkDelayMs: 30, chunkCharacters: 1 });
  const { connections } = world.engines;
  const stream = await world.openai().chat.completions.create({ ...say('a long answer'), stream: true });
  const reading = async () => {
    for await (const _event of stream) {
      const [open] = connections.list();
      if (open !== undefined) connections.cut(open.id, 'Ann');
    }
  };
  await expect(reading()).rejects.toThrow(/ended by an administrator/);
  expect((await world.recorded).data).toMatchObject({ brokenOff: 'person' });
  expect(connections.list()).toEqual([]);
});

test('the live view shows who, where, what it begins with and what it costs, all masked', async () => {
  world.upstream.behave({ chunkDelayMs: 10 });
  const { connections } = world.engines;
  const stream = await world
    .openai()
    .chat.completions.create({ ...say(`tell me about ${TOKEN} and more`), stream: true });
  let last = connections.list()[0];
  for await (const _event of stream) last = connections.list()[0] ?? last;
  expect(last).toMatchObject({
    host: 'api.openai.com',
    agent: { name: 'bot' },
    asked: 'tell me about ••• and more',
    model: 'gpt-4o',
  });
  expect(last?.costMicros).toBeGreaterThan(0);
  expect(last?.answered).toMatch(/^You said: tell/);
  expect(JSON.stringify(last)).not.toContain(TOKEN);
});

test('the live view does not show the half of a secret that has come so far', async () => {
  // So that the first look comes in the middle of it.
  world.upstream.behave({ chunkCharacters: 14, chunkDelayMs: 300 });
  const { connections } = world.engines;
  const stream = await world.openai().chat.completions.create({ ...say(`${TOKEN} and more`), stream: true });
  const seen: string[] = [];
  for await (const _event of stream) seen.push(connections.list()[0]?.answered ?? '');
  expect(seen).toContain('You said: ');
  expect(seen.filter((text) => text.includes(TOKEN.slice(0, 6)))).toEqual([]);
});
