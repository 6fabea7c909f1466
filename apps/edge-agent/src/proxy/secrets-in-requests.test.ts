import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { RecordedRequest } from '@raypher/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TestProxy } from '../testing/test-proxy.ts';

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

// Put together here, so that no scanner of source code takes it for real.
const TOKEN = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');
const REDACT = `dlp:
  default: allow
  rules: [{ id: no-keys, effect: redact, direction: out, classes: [credential] }]
`;
const NOTE = `Zürich, the key is ${TOKEN} 🌍`;
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');

interface Call {
  readonly path: string;
  readonly body?: string | Buffer | FormData | ReadableStream;
  readonly headers?: Record<string, string>;
  readonly method?: string;
}

const json = (path: string, body: object, headers: Record<string, string> = {}): Call => ({
  path,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});
const user = (content: unknown) => ({ role: 'user', content });
const chat = (...messages: object[]) => json('/v1/chat/completions', { model: 'gpt-4o', messages });
const responses = (...input: object[]) => json('/v1/responses', { model: 'gpt-4o', input });
const OF_ANTHROPIC = { 'anthropic-version': '2023-06-01', 'x-api-key': 'k' };
const claude = (more: object, content: unknown = 'go') =>
  json(
    '/v1/messages',
    { model: 'claude-opus-4-5', max_tokens: 9, messages: [user(content)], ...more },
    OF_ANTHROPIC,
  );
const gemini = (more: object, ...parts: object[]) =>
  json(
    '/v1beta/models/gemini-2.5-flash:generateContent',
    { contents: [{ role: 'user', parts: [{ text: 'go' }, ...parts] }], ...more },
    { 'x-goog-api-key': 'k' },
  );
const ollama = (path: string, more: object) => json(path, { model: 'llama3.2', stream: false, ...more });
const upload = (file: string | Buffer, name: string, more: Record<string, string> = {}): Call => {
  const body = new FormData();
  for (const [field, value] of Object.entries({ purpose: 'user_data', ...more })) body.set(field, value);
  body.set('file', new Blob([Uint8Array.from(Buffer.from(file))]), name);
  return { path: '/v1/files', body };
};
const packed = (coding: string, pack: (text: string) => Buffer): Call => ({
  path: '/v1/messages',
  body: pack(String(claude({}, NOTE).body)),
  headers: { 'content-type': 'application/json', 'content-encoding': coding, ...OF_ANTHROPIC },
});
const form = (boundary: string, ...parts: string[]): Call => ({
  path: '/v1/files',
  headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  body: `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`,
});
/** A PDF as programs write small ones: its text as it is. */
const PDF = `%PDF-1.4\n1 0 obj\n<< /Length 99 >>\nstream\nBT /F1 12 Tf (${TOKEN}) Tj ET\nendstream\nendobj\n%%EOF\n`;
const inUnits = (text: string) =>
  Array.from(
    { length: text.length },
    (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
const escaped = (call: Call, how: (text: string) => string): Call => ({
  ...call,
  body: String(call.body).replace(NOTE, how(NOTE)),
});

const CALLS: Readonly<Record<string, Call>> = {
  'an uploaded text file': upload(`export KEY=${TOKEN}\n`, 'env.txt'),
  'the name of an uploaded file': upload('nothing', `${TOKEN}.txt`),
  'a field of an upload': upload('nothing', 'a.txt', { note: NOTE }),
  'an uploaded batch of requests': upload(
    ['a', 'b']
      .map((custom_id) =>
        JSON.stringify({
          custom_id,
          method: 'POST',
          url: '/v1/chat/completions',
          body: { model: 'gpt-4o', messages: [user(custom_id === 'b' ? NOTE : 'hi')] },
        }),
      )
      .join('\n'),
    'batch.jsonl',
    { purpose: 'batch' },
  ),
  'an upload in base64': form(
    'cut',
    `Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(NOTE)}`,
  ),
  'an upload in quoted-printable': form(
    'cut',
    `Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nkey=3D${TOKEN.slice(0, 12)}=\r\n${TOKEN.slice(12)}`,
  ),
  'a multipart body that calls itself JSON': {
    ...form('cut', `Content-Disposition: form-data; name="a"\r\n\r\n${TOKEN}`),
    headers: { 'content-type': 'application/json' },
  },
  'a text file in a data URL': chat(
    user([{ type: 'file', file: { file_data: `data:text/plain;base64,${base64(NOTE)}` } }]),
  ),
  'a PDF in a data URL': chat(
    user([
      { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${base64(PDF)}` } },
    ]),
  ),
  'a file of the responses API': responses(
    user([{ type: 'input_file', filename: 'a.txt', file_data: `data:text/plain;base64,${base64(NOTE)}` }]),
  ),
  'the URL of a picture': chat(
    user([{ type: 'image_url', image_url: { url: `https://site.example/a.png?sig=${TOKEN}` } }]),
  ),
  'a document of Anthropic in base64': claude({}, [
    { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: base64(PDF) } },
  ]),
  'a document of Anthropic as text': claude({}, [
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: NOTE } },
  ]),
  'inline data of Gemini': gemini({}, { inlineData: { mimeType: 'text/plain', data: base64(NOTE) } }),
  'inline data in base64 for URLs': gemini(
    {},
    { inlineData: { mimeType: 'text/plain', data: Buffer.from(NOTE).toString('base64url') } },
  ),
  'the images of Ollama': ollama('/api/chat', {
    messages: [{ ...user('look'), images: [base64(NOTE)] }],
  }),
  'base64 in base64': chat(user(base64(`see ${base64(NOTE)} there`))),
  'UTF-16 escapes': escaped(chat(user(NOTE)), inUnits),
  'UTF-16 escapes in arguments of a tool': chat(
    user('go'),
    {
      role: 'assistant',
      tool_calls: [
        { id: 'c', type: 'function', function: { name: 'f', arguments: `{"a":"${inUnits(NOTE)}"}` } },
      ],
    },
    { role: 'tool', tool_call_id: 'c', content: 'done' },
  ),
  'a single escape in the middle': escaped(chat(user(NOTE)), (text) => text.replace('R4nd', '\\u00524nd')),
  'the result of a tool': chat(user('go'), { role: 'tool', tool_call_id: 'c', content: NOTE }),
  'the result of a function, JSON in a string': responses({
    type: 'function_call_output',
    call_id: 'c',
    output: JSON.stringify({ env: { KEY: TOKEN } }),
  }),
  'the arguments of a function': responses(
    { type: 'function_call', call_id: 'c', name: 'f', arguments: JSON.stringify({ key: TOKEN }) },
    { type: 'function_call_output', call_id: 'c', output: 'done' },
  ),
  'the input of a tool of Anthropic': claude({
    messages: [
      user('go'),
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: { a: [NOTE] } }] },
      user([{ type: 'tool_result', tool_use_id: 't', content: 'done' }]),
    ],
  }),
  'the result of a tool of Anthropic, in blocks': claude({}, [
    { type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: NOTE }] },
  ]),
  'the response of a function of Gemini': gemini(
    {},
    { functionResponse: { name: 'f', response: { output: { deep: [NOTE] } } } },
  ),
  'the arguments of a function of Gemini': gemini({}, { functionCall: { name: 'f', args: { a: NOTE } } }),
  'the result of a tool of Ollama': ollama('/api/chat', {
    messages: [user('go'), { role: 'tool', tool_name: 'f', content: NOTE }],
  }),
  'the prompt of Ollama': ollama('/api/generate', { prompt: NOTE }),
  'a system message': chat({ role: 'system', content: NOTE }, user('go')),
  'the instructions of the responses API': json('/v1/responses', {
    model: 'gpt-4o',
    input: 'go',
    instructions: NOTE,
  }),
  'the system prompt of Anthropic, in blocks': claude({ system: [{ type: 'text', text: NOTE }] }),
  'the system instruction of Gemini': gemini({ systemInstruction: { parts: [{ text: NOTE }] } }),
  'one of many texts to embed': json('/v1/embeddings', {
    model: 'text-embedding-3-small',
    input: ['one', 'two', NOTE, 'four'],
  }),
  'one of many texts to embed with Ollama': ollama('/api/embed', { input: ['one', NOTE] }),
  'a batch to embed with Gemini': json(
    '/v1beta/models/gemini-embedding-001:batchEmbedContents',
    { requests: ['one', NOTE].map((text) => ({ content: { parts: [{ text }] } })) },
    { 'x-goog-api-key': 'k' },
  ),
  'a batch of Anthropic': json(
    '/v1/messages/batches',
    {
      requests: [
        { custom_id: 'a', params: { model: 'claude-opus-4-5', max_tokens: 9, messages: [user(NOTE)] } },
      ],
    },
    OF_ANTHROPIC,
  ),
  'the words that end an answer': json('/v1/chat/completions', {
    model: 'gpt-4o',
    messages: [user('go')],
    stop: [TOKEN],
  }),
  'metadata of a call': claude({ metadata: { user_id: TOKEN } }),
  'the name of a key': json('/v1/chat/completions', {
    model: 'gpt-4o',
    messages: [user('go')],
    metadata: { [TOKEN]: 'x' },
  }),
  'a body in gzip': packed('gzip', gzipSync),
  'a body in deflate': packed('deflate', deflateSync),
  'a body in brotli': packed('br', brotliCompressSync),
  'a body in zstd': packed('zstd', zstdCompressSync),
  'a body in two codings': packed('zstd, gzip', (text) => gzipSync(zstdCompressSync(text))),
  'the path': { path: `/v1/files/${TOKEN}`, method: 'GET' },
  'the path, in percent signs': {
    path: `/v1/files/%67%68p_${TOKEN.slice(4)}`,
    method: 'GET',
  },
  'the query, in percent signs': { path: `/v1/models?after=%67hp%5F${TOKEN.slice(4)}`, method: 'GET' },
  'a header that a program invents': { ...chat(user('go')), headers: { 'x-trace': `id=${TOKEN}` } },
  'a header in base64': { ...chat(user('go')), headers: { 'x-context': base64(NOTE) } },
  'the user agent': { ...chat(user('go')), headers: { 'user-agent': `agent/1 (${TOKEN})` } },
  "a header of OpenAI's client": { ...chat(user('go')), headers: { 'x-stainless-lang': TOKEN } },
};

/** What a body may hide its text in; what cannot be undone is as good as not sent. */
function readable(bytes: Buffer, depth = 0): string[] {
  const texts = [bytes.toString('utf8'), bytes.toString('utf16le')];
  if (depth === 3) return texts;
  for (const text of [...texts]) {
    const unescaped = text
      .replace(/=\r\n/g, '')
      .replace(/\\+u([0-9a-f]{4})/gi, (_, unit: string) => String.fromCharCode(Number.parseInt(unit, 16)))
      .replace(/%([0-9a-f]{2})/gi, (_, byte: string) => String.fromCharCode(Number.parseInt(byte, 16)));
    texts.push(unescaped);
    for (const [blob] of unescaped.matchAll(/[\w+/-]{24,}={0,2}/g))
      texts.push(...readable(Buffer.from(blob, 'base64'), depth + 1));
  }
  return texts;
}

function leaks(request: RecordedRequest): boolean {
  const head = Buffer.from(`${request.path}?${request.query}\n${request.rawHeaders.join('\n')}`);
  return [...readable(head), ...readable(request.body)].some((text) => text.includes(TOKEN));
}

async function send({ path, body, headers = {}, method = 'POST' }: Call): Promise<Response> {
  return fetch(`${world.url}${path}`, {
    method,
    headers: { authorization: 'Bearer k', ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

describe('a secret is found', () => {
  test.each(Object.entries(CALLS))('in %s', async (_place, call) => {
    await (await send(call)).text();
    const [asItWas] = world.upstream.requests;
    expect(asItWas).toBeDefined();
    world.upstream.reset();
    world.govern(REDACT);
    const answer = await send(call);
    await answer.text();
    expect(world.events.filter(({ type }) => type === 'dlp.found')).toHaveLength(1);
    expect(world.upstream.requests.filter(leaks)).toEqual([]);
    // Either it went without it, or was refused: never half of it.
    expect(world.upstream.requests).toHaveLength(answer.headers.get('x-raypher') === null ? 1 : 0);
  });

  test('the check of these tests sees each of them when nobody looks', async () => {
    const unseen: string[] = [];
    for (const [place, call] of Object.entries(CALLS)) {
      world.upstream.reset();
      await (await send(call)).text();
      const coding = call.headers?.['content-encoding'] !== undefined;
      if (!coding && !world.upstream.requests.some(leaks)) unseen.push(place);
    }
    expect(unseen).toEqual([]);
  });
});

describe('a definition of a tool is refused and not rewritten', () => {
  const description = `Uses ${TOKEN}.`;
  test.each<[string, Call]>([
    [
      'OpenAI',
      {
        ...json('/v1/responses', {
          model: 'gpt-4o',
          input: 'go',
          tools: [{ type: 'function', name: 'f', description }],
        }),
      },
    ],
    ['Anthropic', claude({ tools: [{ name: 'f', description, input_schema: { type: 'object' } }] })],
    ['Gemini', gemini({ tools: [{ functionDeclarations: [{ name: 'f', description }] }] })],
    [
      'Ollama',
      ollama('/api/chat', {
        messages: [user('go')],
        tools: [{ type: 'function', function: { name: 'f', description, parameters: {} } }],
      }),
    ],
  ])('of %s', async (_provider, call) => {
    world.govern(REDACT);
    const answer = await send(call);
    expect(answer.status).toBe(403);
    await answer.text();
    expect(world.upstream.requests).toEqual([]);
  });
});
