import { once } from 'node:events';
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { EchoingApi } from '../testing/echoing-api.ts';
import { TestInterception } from '../testing/test-interception.ts';
import { sealForUse, startTestVault } from '../testing/test-vault.ts';

/** Put together here so that it is no key anywhere. */
const value = ['ghp', 'v'.repeat(30)].join('_');

let api: EchoingApi;
let world: TestInterception;

beforeAll(async () => {
  api = await EchoingApi.start();
  const vault = await startTestVault();
  await sealForUse(
    vault,
    'github',
    {
      hosts: ['api.github.example'],
      paths: ['/repos/**'],
      in: [{ header: 'authorization', scheme: 'Bearer' }],
    },
    value,
  );
  world = await TestInterception.start(
    { 'api.github.example': api.url, 'evil.example': api.url },
    undefined,
    vault,
  );
});
afterEach(() => {
  expect(JSON.stringify(world.events)).not.toContain(value);
  world.reset();
  api.reset();
});
afterAll(async () => {
  await world.stop();
  await api.stop();
});

const request = (path: string, host: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nAuthorization: Bearer raypher:github\r\n${more}Host: ${host}`;

async function http2(
  target: string,
  headers: OutgoingHttpHeaders,
): Promise<{ status: number; body: string }> {
  const socket = await world.secure(`${target}:443`, { ALPNProtocols: ['h2'] });
  const session = connectHttp2(`https://${target}`, { createConnection: () => socket });
  const stream = session.request({ authorization: 'Bearer raypher:github', ...headers });
  stream.setEncoding('utf8');
  let body = '';
  stream.on('data', (text: string) => {
    body += text;
  });
  stream.end();
  const [[answer]] = await Promise.all([once(stream, 'response'), once(stream, 'close')]);
  session.close();
  return { status: Number(answer[':status']), body };
}

test('inside TLS a placeholder is filled in, over HTTP/1.1 and HTTP/2, and the answer does not show the value', async () => {
  const secure = await world.secure('api.github.example:443');
  const answer = await world.request(secure, request('/repos/a', 'api.github.example'));
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).not.toContain('vvvv');
  const { status, body } = await http2('api.github.example', { ':path': '/repos/b' });
  expect(status).toBe(200);
  expect(body).not.toContain('vvvv');
  expect(api.arrived.map(({ path, headers }) => [path, headers.authorization])).toEqual([
    ['/repos/a', `Bearer ${value}`],
    ['/repos/b', `Bearer ${value}`],
  ]);
});

test.each<[string, string, { servername?: string }, string, number]>([
  ['a tunnel to another host', 'evil.example', {}, request('/repos/a', 'evil.example'), 403],
  [
    'a Host header of the right host in a tunnel to another',
    'evil.example',
    {},
    request('/repos/a', 'api.github.example'),
    421,
  ],
  [
    'a Host header of another host in the right tunnel',
    'api.github.example',
    {},
    request('/repos/a', 'evil.example'),
    421,
  ],
  [
    'a handshake that names another host than the tunnel',
    'api.github.example',
    { servername: 'evil.example' },
    request('/repos/a', 'evil.example'),
    403,
  ],
  [
    'an absolute URL of another host',
    'api.github.example',
    {},
    request('https://evil.example/repos/a', 'api.github.example'),
    421,
  ],
  ['another path', 'api.github.example', {}, request('/user', 'api.github.example'), 403],
  [
    'another path in a header',
    'api.github.example',
    {},
    request('/repos/a', 'api.github.example', 'X-Rewrite-URL: /user\r\n'),
    400,
  ],
])('%s gets nothing', async (_, target, options, head, status) => {
  const secure = await world.secure(`${target}:443`, options);
  expect(await world.request(secure, head)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(api.arrived).toEqual([]);
});

test.each<[string, string, OutgoingHttpHeaders, number]>([
  ['another authority', 'api.github.example', { ':path': '/repos/a', ':authority': 'evil.example' }, 421],
  [
    'the right authority to another host',
    'evil.example',
    { ':path': '/repos/a', ':authority': 'api.github.example' },
    421,
  ],
  ['another path', 'api.github.example', { ':path': '/repos/../user' }, 403],
  ['a second placeholder in the path', 'api.github.example', { ':path': '/repos/raypher:github' }, 403],
])('%s in the pseudo headers of HTTP/2 gets nothing', async (_, target, headers, status) => {
  expect((await http2(target, headers)).status).toBe(status);
  expect(api.arrived).toEqual([]);
});
