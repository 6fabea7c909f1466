import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { TestInterception } from '../testing/test-interception.ts';

// Put together here, so that no scanner of source code takes them for real.
const TOKEN = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');
const CARD = ['4111', '1111', '1111', '1111'].join(' ');
const RULES = `dlp:
  default: allow
  on_unscannable: alert
  rules:
    - { id: no-keys, effect: redact, classes: [credential] }
    - { id: no-cards, effect: block, classes: [payment], reason: Cards stay here. }
`;

let world: TestInterception;
/** What the server got, and how a test lets it answer. */
let got: { text: string; isBinary: boolean }[] = [];
let answer: (socket: WebSocket, text: string) => void = () => {};
let arrived = Promise.withResolvers<void>();
const http = createServer();
const server = new WebSocketServer({ server: http });
server.on('connection', (socket) =>
  socket.on('message', (data, isBinary) => {
    const text = String(data);
    got.push({ text, isBinary });
    arrived.resolve();
    answer(socket, text);
  }),
);

beforeAll(async () => {
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  world = await TestInterception.start({ 'api.openai.com': url });
});
afterEach(async () => {
  for (const socket of server.clients) socket.terminate();
  await expect.poll(() => world.engines.connections.list()).toEqual([]);
  world.reset();
  got = [];
  answer = () => {};
  arrived = Promise.withResolvers();
});
afterAll(async () => {
  await world.stop();
  server.close();
  http.closeAllConnections();
  http.close();
});

async function open(): Promise<{ client: WebSocket; received: string[]; ended: Promise<[number, string]> }> {
  const client = new WebSocket(`${world.url.replace('http', 'ws')}/openai/v1/realtime?model=gpt-4o-realtime`);
  const received: string[] = [];
  const over = Promise.withResolvers<[number, string]>();
  client.on('message', (data) => received.push(String(data)));
  client.on('close', (code, reason) => over.resolve([code, String(reason)]));
  await once(client, 'open');
  return { client, received, ended: over.promise };
}
const say = (text: string): string =>
  JSON.stringify({
    type: 'conversation.item.create',
    item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
  });
const delta = (type: string, text: string): string =>
  JSON.stringify({ type: `response.${type}.delta`, item_id: 'item_1', output_index: 0, delta: text });
const done = (type: string): string =>
  JSON.stringify({ type: `response.${type}.done`, item_id: 'item_1', output_index: 0 });
const found = () => world.events.filter(({ type }) => type === 'dlp.found');
const joined = (messages: readonly string[]): string =>
  messages.map((text) => JSON.parse(text).delta ?? '').join('');

describe('what an AI agent sends in a WebSocket', () => {
  test('a credential is taken out of a message; what holds none goes on as it is', async () => {
    world.govern(RULES);
    const { client } = await open();
    client.send(say('hello'));
    client.send(say(`my token is ${TOKEN}`));
    await expect.poll(() => got.length).toBe(2);
    expect(got[0]?.text).toBe(say('hello'));
    expect(got[1]?.text).not.toContain(TOKEN);
    expect(JSON.parse(got[1]?.text ?? '').item.content[0].text).toMatch(
      /^my token is \[\[CREDENTIAL_[0-9A-F]{6}\]\]$/,
    );
    expect(found()).toMatchObject([
      {
        action: 'send',
        target: 'api.openai.com/v1/realtime',
        verdict: { rule: 'no-keys' },
        data: { direction: 'out', outcome: 'redact', detectors: ['github-pat'], redacted: 1, count: 1 },
      },
    ]);
    expect(JSON.stringify(world.events)).not.toContain(TOKEN);
  });

  test('what is blocked ends the connection for both, and never arrives', async () => {
    world.govern(RULES);
    const { client, ended } = await open();
    client.send(say(`pay with ${CARD}`));
    client.send(say('and this?'));
    expect(await ended).toEqual([1008, 'Blocked by Raypher']);
    expect(got).toEqual([]);
    expect(found()).toMatchObject([
      { data: { outcome: 'block', direction: 'out' }, verdict: { rule: 'no-cards' } },
    ]);
    expect(await world.recorded('network.request')).toMatchObject({ data: { brokenOff: 'data' } });
  });

  test('data in the definition of a tool cannot be taken out, and does not pass', async () => {
    world.govern(RULES);
    const { client, ended } = await open();
    const session = { tools: [{ type: 'function', name: 'f', description: `use ${TOKEN}` }] };
    client.send(JSON.stringify({ tools: session.tools, type: 'session.update' }));
    expect((await ended)[0]).toBe(1008);
    expect(got).toEqual([]);
  });

  test('JSON in a binary message is read, and stays a binary message; sound is not, and is no obstacle', async () => {
    world.govern(RULES.replace('on_unscannable: alert', 'on_unscannable: block'));
    const { client } = await open();
    client.send(Buffer.from(say(`binary ${TOKEN}`)));
    const sound = randomBytes(4_800);
    client.send(sound);
    const append = JSON.stringify({ type: 'input_audio_buffer.append', audio: sound.toString('base64') });
    client.send(append);
    await expect.poll(() => got.length).toBe(3);
    expect(got[0]?.text).not.toContain(TOKEN);
    expect(got.map(({ isBinary }) => isBinary)).toEqual([true, true, false]);
    expect(got[2]?.text).toBe(append);
    expect(found()).toHaveLength(1);
  });

  test('text in a binary message is read as text', async () => {
    world.govern(RULES);
    const { client } = await open();
    client.send(Buffer.from(`the token is ${TOKEN}`));
    await arrived.promise;
    expect(got[0]?.isBinary).toBe(true);
    expect(got[0]?.text).toMatch(/^the token is \[\[CREDENTIAL_[0-9A-F]+\]\]$/);
  });

  test.each([
    ['deny', 1008, 'block'],
    ['allow', undefined, 'alert'],
  ])(
    'nobody can be asked: what the rule says for no answer (%s) is done',
    async (onTimeout, code, outcome) => {
      world.govern(
        `dlp: { default: allow, rules: [{ id: ask, effect: prompt, on_timeout: ${onTimeout}, classes: [payment] }] }`,
      );
      const { client, ended } = await open();
      client.send(say(CARD));
      if (code === undefined) await arrived.promise;
      else expect((await ended)[0]).toBe(code);
      expect(got).toHaveLength(code === undefined ? 1 : 0);
      expect(found()).toMatchObject([{ data: { outcome } }]);
    },
  );

  test('in monitor mode everything passes, and what would have been is recorded', async () => {
    world.govern(RULES, 'monitor');
    const { client } = await open();
    client.send(say(`${TOKEN} ${CARD}`));
    await arrived.promise;
    expect(got[0]?.text).toBe(say(`${TOKEN} ${CARD}`));
    expect(found()).toMatchObject([{ data: { outcome: 'allow', wouldBlock: true } }]);
  });

  test('a policy that comes later holds for the next message', async () => {
    const { client, ended } = await open();
    client.send(say(CARD));
    await arrived.promise;
    world.govern(RULES);
    client.send(say(CARD));
    expect((await ended)[0]).toBe(1008);
    expect(got).toHaveLength(1);
  });
});

describe('what comes back in a WebSocket', () => {
  test.each([
    ['output_text', 'it is ', ' ok'],
    ['output_audio_transcript', 'it is ', ' ok'],
    ['function_call_arguments', '{"q":"it is ', ' ok"}'],
  ])('a secret in two pieces of %s is taken out of both', async (type, before, after) => {
    world.govern(RULES);
    for (const at of [1, 4, 20, TOKEN.length - 1]) {
      answer = (socket) => {
        socket.send(delta(type, `${before}${TOKEN.slice(0, at)}`));
        socket.send(delta(type, `${TOKEN.slice(at)}${after}`));
        socket.send(done(type));
      };
      const { client, received } = await open();
      client.send(say('go'));
      await expect.poll(() => received.length).toBe(3);
      expect(joined(received).replace(/\[\[CREDENTIAL_[0-9A-F]{6}\]\]/, '***')).toBe(`${before}***${after}`);
      client.terminate();
    }
    expect(found()).toHaveLength(4);
    expect(found()[0]).toMatchObject({
      action: 'receive',
      data: { outcome: 'redact', direction: 'in', redacted: 1 },
    });
  });

  test('prose is held for a moment only, though no message follows', async () => {
    world.govern(RULES);
    answer = (socket) => socket.send(delta('output_text', 'Hello the'));
    const { client, received } = await open();
    client.send(say('go'));
    await expect.poll(() => received, { timeout: 10_000 }).toEqual([delta('output_text', 'Hello the')]);
  });

  test('order, kinds and bytes of messages without findings stay', async () => {
    world.govern(RULES);
    const sound = randomBytes(2_000);
    const sent = [
      delta('output_text', 'The be'),
      `{\n  "type": "rate_limits.updated",\r\n  "rate_limits": []\n}`,
      delta('output_audio', sound.toString('base64')),
      'plain text',
      delta('output_text', 'ginning'),
      done('output_text'),
    ];
    answer = (socket) => {
      for (const text of sent) socket.send(text);
      socket.send(sound);
    };
    const { client, received } = await open();
    const kinds: boolean[] = [];
    client.on('message', (_data, isBinary) => kinds.push(isBinary));
    client.send(say('go'));
    await expect.poll(() => received.length).toBe(7);
    expect(received.slice(0, 6)).toEqual(
      sent.map((text) => (text.startsWith('{\n') ? text.replaceAll(/[\r\n]/g, ' ') : text)),
    );
    expect(kinds).toEqual([false, false, false, false, false, false, true]);
    expect(found()).toEqual([]);
  });

  test('what is held when the server ends the connection still arrives', async () => {
    world.govern(RULES);
    answer = (socket) => {
      socket.send(delta('output_text', 'last wor'));
      socket.close(4000, 'done');
    };
    const { client, received, ended } = await open();
    client.send(say('go'));
    expect(await ended).toEqual([4000, 'done']);
    expect(received).toEqual([delta('output_text', 'last wor')]);
  });

  test('what is blocked does not reach the AI agent', async () => {
    world.govern(RULES);
    answer = (socket) => socket.send(JSON.stringify({ type: 'response.done', text: `card ${CARD}` }));
    const { client, received, ended } = await open();
    client.send(say('go'));
    expect((await ended)[0]).toBe(1008);
    expect(received).toEqual([]);
    expect(found()).toMatchObject([{ data: { direction: 'in', outcome: 'block' } }]);
  });

  test('what was taken out is put back, in pieces too', async () => {
    world.govern(
      RULES.replace('default: allow', 'default: allow\n  reversible: true').replace(
        '{ id: no-keys, effect: redact,',
        '{ id: no-keys, effect: redact, direction: out,',
      ),
    );
    answer = (socket, text) => {
      const mark = /\[\[CREDENTIAL_[0-9A-F]{6}\]\]/.exec(text)?.[0] ?? 'none';
      socket.send(delta('output_text', `you said ${mark.slice(0, 7)}`));
      socket.send(delta('output_text', `${mark.slice(7)}.`));
      socket.send(done('output_text'));
    };
    const { client, received } = await open();
    client.send(say(`my token is ${TOKEN}`));
    await expect.poll(() => received.length).toBe(3);
    expect(got[0]?.text).not.toContain(TOKEN);
    expect(joined(received)).toBe(`you said ${TOKEN}.`);
  });
});
