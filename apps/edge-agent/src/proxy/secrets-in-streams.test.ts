import { setImmediate } from 'node:timers/promises';
import { createStreamScanner } from '@raypher/dlp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TestProxy } from '../testing/test-proxy.ts';
import { answerFormat } from './answer-format.ts';

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

// Put together here, so that no scanner of source code takes it for real.
const TOKEN = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');
/** Bytes of two, three and four around it, and what JSON has to escape. */
const QUESTION = `ü${'東'} "${TOKEN}" 🌍\n`;
const LOOK_AT_ANSWERS = `network: { default: allow }
dlp:
  default: allow
  rules:
    - { id: answers, effect: redact, direction: in, classes: [credential] }
`;

interface Asked {
  readonly path: string;
  readonly body: object;
  readonly headers?: Record<string, string>;
}

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const functionTool = { type: 'function', function: { name: 'weather', parameters } };
const chat = (more: object = {}): Asked => ({
  path: '/v1/chat/completions',
  body: { model: 'gpt-4o', stream: true, messages: [{ role: 'user', content: QUESTION }], ...more },
});
const responses = (more: object = {}): Asked => ({
  path: '/v1/responses',
  body: { model: 'gpt-4o', stream: true, input: QUESTION, ...more },
});
const messages = (more: object = {}): Asked => ({
  path: '/v1/messages',
  headers: { 'anthropic-version': '2023-06-01', 'x-api-key': 'k' },
  body: {
    model: 'claude-opus-4-5',
    max_tokens: 50,
    stream: true,
    messages: [{ role: 'user', content: QUESTION }],
    ...more,
  },
});
const gemini = (query: string, more: object = {}): Asked => ({
  path: `/v1beta/models/gemini-2.5-flash:streamGenerateContent${query}`,
  headers: { 'x-goog-api-key': 'k' },
  body: { contents: [{ role: 'user', parts: [{ text: QUESTION }] }], ...more },
});
const geminiTools = { tools: [{ functionDeclarations: [{ name: 'weather', parameters }] }] };
const ollama = (more: object = {}): Asked => ({
  path: '/api/chat',
  body: { model: 'llama3.2', messages: [{ role: 'user', content: QUESTION }], ...more },
});

const STREAMS: Readonly<Record<string, Asked>> = {
  'OpenAI chat completions': chat(),
  'OpenAI chat completions, arguments of a tool': chat({ tools: [functionTool] }),
  'OpenAI responses': responses(),
  'OpenAI responses, arguments of a function': responses({
    tools: [{ type: 'function', name: 'weather', parameters }],
  }),
  Anthropic: messages(),
  'Anthropic, input of a tool': messages({ tools: [{ name: 'weather', input_schema: parameters }] }),
  'Gemini, server-sent events': gemini('?alt=sse'),
  'Gemini, server-sent events, a function call': gemini('?alt=sse', geminiTools),
  'Gemini, an array': gemini(''),
  'Gemini, an array, a function call': gemini('', geminiTools),
  'Ollama chat': ollama(),
  'Ollama chat, a tool call': ollama({ tools: [functionTool] }),
  'Ollama generate': { path: '/api/generate', body: { model: 'llama3.2', prompt: QUESTION } },
};

async function ask(root: string, { path, body, headers = {} }: Asked) {
  const answer = await fetch(`${root}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: 'Bearer k', ...headers },
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { bytes, format: answerFormat(answer.headers.get('content-type') ?? '', path) };
}

type Answer = Awaited<ReturnType<typeof ask>>;

/** What the proxy makes of an answer that arrives in these pieces. */
function scanned({ format }: Answer, pieces: readonly Uint8Array[]): string {
  if (format === 'whole' || format === 'opaque') throw new Error(`${format} is no stream.`);
  const { data } = world.engines;
  const scanner = createStreamScanner({
    ...data.streamOptions,
    format,
    decide: ({ finding, value }) => data.irreversible.issue(finding, value),
  });
  const written = pieces.map((piece) => Buffer.from(scanner.push(piece)));
  return Buffer.concat([...written, scanner.end()]).toString();
}

/** The documents that a client reads out of a stream. */
function documentsOf(stream: string): unknown[] {
  const lines = stream.startsWith('[') ? [stream] : stream.split(/\r?\n/);
  return lines
    .map((line) => line.replace(/^data: /, ''))
    .filter((line) => /^[[{]/.test(line) && line !== '[DONE]')
    .flatMap((line): unknown => JSON.parse(line));
}

/** Puts every text together as a client would: what stands in one place of successive events, one after the other. */
function textsOf(stream: string): Record<string, string> {
  const texts: Record<string, string> = {};
  const walk = (value: unknown, place: string): void => {
    if (typeof value === 'string') texts[place] = (texts[place] ?? '') + value;
    else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) walk(inner, `${place}/${name}`);
    }
  };
  for (const document of documentsOf(stream)) walk(document, '');
  return texts;
}

/** Nothing of the secret is left, and with it put back everything is as the provider sent it. */
function expectOnlyTokenGone(seen: string, sent: string): void {
  expect(seen).not.toContain(TOKEN);
  expect(JSON.stringify(textsOf(seen))).not.toContain(TOKEN);
  const restored = Object.entries(textsOf(seen)).map(([place, text]) => [
    place,
    text.replaceAll(/\[\[CREDENTIAL_[0-9A-F]{6}\]\]/g, TOKEN),
  ]);
  expect(Object.fromEntries(restored)).toEqual(textsOf(sent));
}

/** The same stream with each character of each string of a document written as an escape (RFC 8259 §7). */
function inEscapes(stream: string): string {
  return stream.replaceAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g, (literal, colon?: string) => {
    if (colon !== undefined) return literal;
    const text = String(JSON.parse(literal));
    const units = Array.from(
      { length: text.length },
      (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
    );
    return `"${units.join('')}"`;
  });
}

describe.each(Object.entries(STREAMS))('%s', (_name, asked) => {
  test('a secret is never seen, whichever byte the stream is cut at', async () => {
    world.upstream.behave({ chunkCharacters: 29 });
    const answer = await ask(world.upstream.url, asked);
    const { bytes } = answer;
    const seen = scanned(answer, [bytes]);
    expectOnlyTokenGone(seen, bytes.toString());
    // Every byte around it, and a sample of where it is not, or is repeated.
    const sent = bytes.toString('latin1');
    const shown = Buffer.from(seen).toString('latin1');
    const first = [...shown].findIndex((byte, at) => byte !== sent[at]);
    const isAround = (at: number) => at > first - 80 && at < first + 640;
    for (let at = 1; at < bytes.length; at += isAround(at) ? 1 : 17) {
      if (scanned(answer, [bytes.subarray(0, at), bytes.subarray(at)]) !== seen) expect.fail(`cut at ${at}`);
      // Connections that wait meanwhile are to notice when they are closed.
      if (at % 64 === 0) await setImmediate();
    }
  }, 30_000);

  test('a secret in pieces of every size is never seen', async () => {
    for (let size = 1; size <= TOKEN.length; size += size < 12 ? 1 : 5) {
      world.upstream.behave({ chunkCharacters: size });
      const answer = await ask(world.upstream.url, asked);
      const bytewise = [...answer.bytes].map((byte) => Uint8Array.of(byte));
      expectOnlyTokenGone(scanned(answer, bytewise), answer.bytes.toString());
    }
  });

  test('a secret in escapes is never seen', async () => {
    world.upstream.behave({ chunkCharacters: 5 });
    const answer = await ask(world.upstream.url, asked);
    const escaped = inEscapes(answer.bytes.toString());
    expectOnlyTokenGone(scanned(answer, [Buffer.from(escaped)]), answer.bytes.toString());
  });

  test('the same over the network', async () => {
    world.upstream.behave({ chunkCharacters: 7 });
    const answer = await ask(world.upstream.url, asked);
    const seen = scanned(answer, [answer.bytes]).replaceAll(IDS, 'ID');
    world.govern(LOOK_AT_ANSWERS.replace(/^network.*\n/, ''));
    const middle = Math.floor(answer.bytes.length / 2);
    const cuts = [1, 2, 3, 5].map((step) => middle + step * 7);
    for (const behaviour of [...cuts.map((cutAt) => ({ cutAt })), { cutAt: undefined, bytesPerWrite: 11 }]) {
      world.upstream.behave(behaviour);
      const through = await ask(world.url, asked);
      expect(through.bytes.toString().replaceAll(IDS, 'ID')).toBe(seen);
    }
  });
});

/** The fake upstream counts its answers. */
const IDS = /(?<=[_-])0{16}[0-9a-f]{8}/g;
