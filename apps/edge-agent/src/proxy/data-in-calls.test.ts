import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TestProxy } from '../testing/test-proxy.ts';

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

// Put together here, so that no scanner of source code takes them for real.
const TOKEN = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');
const CARD = ['4111', '1111', '1111', '1111'].join(' ');
const REDACT = `dlp:
  default: allow
  rules:
    - { id: no-keys, effect: redact, classes: [credential] }
    - { id: no-cards, effect: block, classes: [payment], reason: Cards stay here. }
`;

const HEADERS_OF_CLIENTS: readonly Record<string, string>[] = [
  {
    'user-agent':
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.3351.83',
    'accept-language': 'de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7',
    accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
    'sec-ch-ua': '"Not)A;Brand";v="8", "Chromium";v="138", "Google Chrome";v="138"',
    'sec-fetch-mode': 'cors',
  },
  {
    'user-agent': 'claude-cli/2.0.14 (external, cli)',
    'anthropic-beta':
      'claude-code-20250219,oauth-2025-04-20,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14',
    'anthropic-version': '2023-06-01',
    'x-stainless-runtime-version': 'v24.3.0',
    'x-stainless-package-version': '0.60.0',
    'x-stainless-os': 'Linux',
    'x-stainless-arch': 'x64',
    'x-stainless-lang': 'js',
    'x-stainless-timeout': '600',
    'anthropic-dangerous-direct-browser-access': 'true',
    'x-app': 'cli',
  },
  {
    'user-agent': 'OpenAI/Python 1.99.9',
    'x-stainless-async': 'async:asyncio',
    'x-stainless-runtime': 'CPython',
    'x-stainless-read-timeout': '600.0',
    'idempotency-key': 'stainless-python-retry-6b1c1b2e-9a52-4a6f-9d39-0c55bd1a0f57',
  },
  {
    'user-agent': 'codex_cli_rs/0.21.0 (Ubuntu 24.4.0; x86_64) xterm-256color',
    'openai-beta': 'responses=experimental',
  },
  {
    'user-agent': 'GoogleGenAI/1.10.0 google-genai-sdk/1.10.0 gl-node/v24.3.0',
    'x-goog-api-client': 'gl-node/v24.3.0',
  },
  {
    'content-type': 'application/json; charset=utf-8',
    accept: 'application/json',
    'user-agent': 'curl/8.14.1',
  },
];

const say = (content: string) => ({ model: 'gpt-4o', messages: [{ role: 'user' as const, content }] });
const sent = () => world.upstream.requests.at(-1)?.body.toString('utf8') ?? '';
const found = () => world.events.filter(({ type }) => type === 'dlp.found');

async function post(
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${world.url}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: 'Bearer k', ...headers },
  });
}

describe('what is sent', () => {
  test('a credential never leaves: the model gets a placeholder, the same each time', async () => {
    world.govern(REDACT);
    const client = world.openai();
    const first = await client.chat.completions.create(say(`my token is ${TOKEN}`));
    expect(sent()).not.toContain(TOKEN);
    const mark = /\[\[CREDENTIAL_[0-9A-F]{6}\]\]/.exec(sent())?.[0] ?? 'none';
    expect(first.choices[0]?.message.content).toContain(mark);
    await client.chat.completions.create(say(`again ${TOKEN}`));
    expect(sent()).toContain(mark);
    expect(found()).toHaveLength(2);
    expect(found()[0]).toMatchObject({
      action: 'send',
      target: 'api.openai.com/v1/chat/completions',
      verdict: { outcome: 'ALLOW', rule: 'no-keys', revision: 7 },
      data: { outcome: 'redact', detectors: ['github-pat'], redacted: 1 },
    });
    expect(JSON.stringify(world.events)).not.toContain(TOKEN);
  });

  test('what is blocked is refused in the words of the provider, and nothing is sent', async () => {
    world.govern(REDACT);
    const refused = await world
      .openai()
      .chat.completions.create(say(`pay with ${CARD}`))
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(String(refused)).toContain('Cards stay here');
    expect(world.upstream.requests).toEqual([]);
    expect(found()[0]?.data).toMatchObject({ outcome: 'block', direction: 'out' });
    expect(world.events.at(-1)).toMatchObject({
      type: 'network.request',
      data: { denied: true, status: 403 },
    });
  });

  test('in monitor mode nothing is changed, and what would have been is recorded', async () => {
    world.govern(REDACT, 'monitor');
    await world.openai().chat.completions.create(say(`${TOKEN} and ${CARD}`));
    expect(sent()).toContain(TOKEN);
    expect(sent()).toContain(CARD);
    expect(found()[0]?.data).toMatchObject({ outcome: 'allow', wouldBlock: true });
  });

  test.each<[string, () => Promise<Response>]>([
    [
      'in the arguments of a tool',
      () =>
        post(
          '/v1/chat/completions',
          JSON.stringify({
            model: 'gpt-4o',
            messages: [
              { role: 'user', content: 'go' },
              {
                role: 'assistant',
                tool_calls: [
                  {
                    id: 'c',
                    type: 'function',
                    function: { name: 'f', arguments: JSON.stringify({ a: TOKEN }) },
                  },
                ],
              },
              { role: 'tool', tool_call_id: 'c', content: 'done' },
            ],
          }),
        ),
    ],
    [
      'in the result of a tool',
      () =>
        post(
          '/v1/messages',
          JSON.stringify({
            model: 'claude-example',
            max_tokens: 9,
            messages: [
              {
                role: 'user',
                content: [{ type: 'tool_result', tool_use_id: 't', content: `env: ${TOKEN}` }],
              },
            ],
          }),
          { 'anthropic-version': '2023-06-01', 'x-api-key': 'k' },
        ),
    ],
    [
      'in escapes',
      () =>
        post(
          '/v1/chat/completions',
          JSON.stringify(say('PLACE')).replace(
            'PLACE',
            [...TOKEN].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
          ),
        ),
    ],
    [
      'in gzip',
      () =>
        post('/v1/chat/completions', gzipSync(JSON.stringify(say(TOKEN))), { 'content-encoding': 'gzip' }),
    ],
    [
      'in brotli',
      () =>
        post('/v1/chat/completions', brotliCompressSync(JSON.stringify(say(TOKEN))), {
          'content-encoding': 'br',
        }),
    ],
    [
      'in zstd',
      () =>
        post('/v1/chat/completions', zstdCompressSync(JSON.stringify(say(TOKEN))), {
          'content-encoding': 'zstd',
        }),
    ],
    [
      'in gzip twice',
      () =>
        post('/v1/chat/completions', gzipSync(gzipSync(JSON.stringify(say(TOKEN)))), {
          'content-encoding': 'gzip, gzip',
        }),
    ],
    [
      'in a route that nobody thinks of',
      () => post('/v1/responses', JSON.stringify({ model: 'gpt-4o', input: `see ${TOKEN}` })),
    ],
    [
      'in an attachment',
      () =>
        post(
          '/v1/chat/completions',
          JSON.stringify({
            model: 'gpt-4o',
            messages: [
              {
                role: 'user',
                content: [
                  { type: 'text', text: 'file' },
                  {
                    type: 'file',
                    file: {
                      file_data: `data:text/plain;base64,${Buffer.from(`k=${TOKEN}`).toString('base64')}`,
                    },
                  },
                ],
              },
            ],
          }),
        ),
    ],
    [
      'in a header that a client invents',
      () => post('/v1/chat/completions', JSON.stringify(say('hi')), { 'x-debug': `token ${TOKEN}` }),
    ],
    ...['user-agent', 'accept', 'accept-language', 'x-stainless-os', 'anthropic-beta', 'date'].map(
      (name): [string, () => Promise<Response>] => [
        `in a header that every client sends: ${name}`,
        () => post('/v1/chat/completions', JSON.stringify(say('hi')), { [name]: TOKEN }),
      ],
    ),
    [
      'in a parameter of the content type',
      () =>
        post('/v1/chat/completions', JSON.stringify(say('hi')), {
          'content-type': `application/json; note=${TOKEN}`,
        }),
    ],
    [
      'in a few bytes that are not text',
      () =>
        post('/v1/files', Buffer.from(`\0\x01\x02 ${TOKEN} \0`), {
          'content-type': 'application/octet-stream',
        }),
    ],
    ['in the query', () => post(`/v1/chat/completions?trace=${TOKEN}`, JSON.stringify(say('hi')))],
    [
      'in UTF-16',
      () => post('/v1/chat/completions', Buffer.from(`\ufeff${JSON.stringify(say(TOKEN))}`, 'utf16le')),
    ],
    [
      'as text that calls itself something else',
      () =>
        post('/v1/chat/completions', JSON.stringify(say(TOKEN)), {
          'content-type': 'application/octet-stream',
        }),
    ],
  ])('a credential does not get out %s', async (_how, send) => {
    world.govern(REDACT);
    await (await send()).text();
    const request = world.upstream.requests.at(-1);
    expect(found()).toHaveLength(1);
    if (request === undefined) return;
    const everything = [
      request.body.toString('utf8'),
      request.body.toString('utf16le'),
      Buffer.from(request.body.toString('latin1').replace(/[^A-Za-z0-9+/=]/g, ''), 'base64').toString(
        'latin1',
      ),
      JSON.stringify(request.rawHeaders),
      request.query,
      JSON.stringify(request.json ?? null),
    ].join('\n');
    expect(everything).not.toContain(TOKEN);
    for (const blob of everything.match(/[A-Za-z0-9+/]{24,}={0,2}/g) ?? [])
      expect(Buffer.from(blob, 'base64').toString('latin1')).not.toContain(TOKEN);
  });

  test('the key that lets a program in is its own: it passes, in headers and in the query of Gemini', async () => {
    world.govern(REDACT);
    const key = ['sk', 'proj', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6'].join('-');
    await (
      await post('/v1/chat/completions', JSON.stringify(say('hi')), { authorization: `Bearer ${key}` })
    ).text();
    expect(world.upstream.requests.at(-1)?.headers.authorization).toBe(`Bearer ${key}`);
    expect(found()).toEqual([]);
  });

  test('a definition of a tool is never rewritten: the call is refused instead', async () => {
    world.govern(REDACT);
    const answer = await post(
      '/v1/chat/completions',
      JSON.stringify({
        ...say('hi'),
        tools: [{ type: 'function', function: { name: 'f', description: `uses ${TOKEN}`, parameters: {} } }],
      }),
    );
    expect(answer.status).toBe(403);
    expect(world.upstream.requests).toEqual([]);
  });

  test('what nobody can look at does not pass where policy is enforced, and passes where it is not', async () => {
    world.govern('dlp: { default: block, rules: [] }');
    const send = () =>
      post('/v1/chat/completions', Buffer.from('not gzip at all'), { 'content-encoding': 'gzip' });
    expect((await send()).status).toBe(403);
    expect(world.upstream.requests).toEqual([]);
    world.govern('dlp: { default: block, rules: [] }', 'monitor');
    await (await send()).text();
    expect(world.upstream.requests).toHaveLength(1);
  });

  test.each([
    ['zstd', zstdCompressSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ])('what stands behind the end of a body in %s is not taken for looked through', async (coding, pack) => {
    world.govern('dlp: { default: block, rules: [] }');
    const body = Buffer.concat([pack(JSON.stringify(say('hi'))), pack(TOKEN)]);
    expect((await post('/v1/chat/completions', body, { 'content-encoding': coding })).status).toBe(403);
    expect(world.upstream.requests).toEqual([]);
  });

  test('headers of real clients are clean', async () => {
    world.govern('dlp: { default: block, rules: [] }');
    for (const headers of HEADERS_OF_CLIENTS)
      await (await post('/v1/chat/completions', JSON.stringify(say('hi')), headers)).text();
    expect(world.upstream.requests).toHaveLength(HEADERS_OF_CLIENTS.length);
    expect(found()).toEqual([]);
  });

  test('what is to be taken out does not pass where nobody looked', async () => {
    world.govern(REDACT.replace(/.*no-cards.*\n/, ''));
    const padding = Array.from({ length: 60_000 }, (_, at) => `x${at}`);
    const body = JSON.stringify({ ...say('hi'), metadata: padding, user: TOKEN });
    expect((await post('/v1/chat/completions', body)).status).toBe(403);
    const packed = Buffer.concat([zstdCompressSync(JSON.stringify(say('hi'))), zstdCompressSync(TOKEN)]);
    expect((await post('/v1/chat/completions', packed, { 'content-encoding': 'zstd' })).status).toBe(403);
    expect(world.upstream.requests).toEqual([]);
  });

  test('clean traffic is the same to the byte, odd spelling included', async () => {
    world.govern(REDACT);
    const body = `{ "model":"gpt-4o" ,\n"messages":[{"role":"user","content":"caf\\u00e9 \\/ ok"}], "x": 1.0e0 }`;
    await (await post('/v1/chat/completions', body)).text();
    expect(sent()).toBe(body);
    const packed = gzipSync(body);
    await (await post('/v1/chat/completions', packed, { 'content-encoding': 'gzip' })).text();
    expect(world.upstream.requests.at(-1)?.body.equals(packed)).toBe(true);
  });
});

describe('a conversation that is sent again with each call', () => {
  const talk = (...contents: string[]) =>
    JSON.stringify({
      model: 'gpt-4o',
      messages: ['plain words '.repeat(300), ...contents].map((content) => ({ role: 'user', content })),
    });
  // One connection, as the official clients keep it.
  const turn = async (body: string) => (await post('/v1/chat/completions', body)).text();

  test('is the same to the byte while it is clean, and what is new in it is found', async () => {
    world.govern(REDACT);
    for (const body of [talk('a'), talk('a', 'b'), talk('a', 'b', 'c')]) {
      await turn(body);
      expect(sent()).toBe(body);
    }
    await turn(talk('a', 'b', 'c', `here ${TOKEN}`));
    expect(sent()).toBe(talk('a', 'b', 'c', `here ${/\[\[[^\]]+\]\]/.exec(sent())?.[0]}`));
    expect(found()).toHaveLength(1);
    // What was not clean is looked through again each time.
    await turn(talk('a', 'b', 'c', `here ${TOKEN}`, 'd'));
    expect(sent()).not.toContain(TOKEN);
    expect(found()).toHaveLength(2);
  });

  test('does not hide what was slipped into an old message', async () => {
    world.govern(REDACT);
    await turn(talk('a', 'b', 'c'));
    await turn(talk('a', TOKEN, 'c', 'd'));
    expect(sent()).not.toContain(TOKEN);
    await turn(talk('a', 'b', 'c'));
    await turn(talk('a', 'b', 'c').replace('"gpt-4o"', `"gpt-4o","user":"${TOKEN}"`));
    expect(sent()).not.toContain(TOKEN);
  });

  test('is decided about by what it names now', async () => {
    world.enforce('rules: [{ id: x, effect: deny, models: [other] }]');
    await turn(talk('a'));
    expect(world.upstream.requests).toHaveLength(1);
    await turn(talk('a', 'b').replace(/}$/, ',"model":"other"}'));
    expect(world.upstream.requests).toHaveLength(1);
  });
});

describe('what comes back', () => {
  const OUT_IN = `dlp:
  default: allow
  rules:
    - { id: answers, effect: redact, direction: in, classes: [credential] }
    - { id: no-cards, effect: block, direction: in, classes: [payment] }
`;

  test.each([1, 3, 8, 64])(
    'a credential in a stream is taken out whole, in pieces of %d characters',
    async (size) => {
      world.govern(OUT_IN);
      world.upstream.behave({ chunkCharacters: size, bytesPerWrite: 7 });
      let text = '';
      const stream = await world.openai().chat.completions.create({ ...say(`x ${TOKEN} y`), stream: true });
      for await (const event of stream) text += event.choices[0]?.delta.content ?? '';
      expect(text).toMatch(/^You said: x \[\[CREDENTIAL_[0-9A-F]{6}\]\] y$/);
      expect(found()[0]?.data).toMatchObject({ direction: 'in', outcome: 'redact', redacted: 1 });
    },
  );

  test('in a whole answer too, with the right length', async () => {
    world.govern(OUT_IN);
    const answer = await post('/v1/chat/completions', JSON.stringify(say(TOKEN)));
    const body = await answer.text();
    expect(body).not.toContain(TOKEN);
    expect(Number(answer.headers.get('content-length'))).toBe(Buffer.byteLength(body));
  });

  test('a stream that is blocked ends with an error that its client raises', async () => {
    world.govern(OUT_IN);
    const stream = await world.openai().chat.completions.create({ ...say(`pay ${CARD} now`), stream: true });
    const reading = async () => {
      let text = '';
      for await (const event of stream) text += event.choices[0]?.delta.content ?? '';
      return text;
    };
    await expect(reading()).rejects.toThrow(/Blocked by Raypher/);
    expect(found()[0]?.data).toMatchObject({ direction: 'in', outcome: 'block' });
    expect(JSON.stringify(world.events)).not.toContain(CARD);
  });

  test('clean streams are the same to the byte', async () => {
    const bytes = async () =>
      (
        await (
          await post('/v1/chat/completions', JSON.stringify({ ...say('plain words'), stream: true }))
        ).text()
      ).replaceAll(/"(id|created)":("[^"]*"|\d+)/g, '"$1":0');
    const direct = await (async () => {
      const answer = await fetch(`${world.upstream.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
        body: JSON.stringify({ ...say('plain words'), stream: true }),
      });
      return (await answer.text()).replaceAll(/"(id|created)":("[^"]*"|\d+)/g, '"$1":0');
    })();
    world.govern(OUT_IN);
    expect(await bytes()).toBe(direct);
  });
});
