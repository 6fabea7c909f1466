import { once } from 'node:events';
import { connect } from 'node:net';
import { compilePolicy, parsePolicy } from '@raypher/policy';
import { type FakeUpstream, startFakeUpstream } from '@raypher/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { engines, inForce } from '../testing/policy-in-force.ts';
import { TestAuthority } from '../testing/test-authority.ts';
import { BOT } from '../testing/test-proxy.ts';
import { sealInto, startTestVault } from '../testing/test-vault.ts';
import { LocalProxy } from './local-proxy.ts';

/** Put together here so that it is no key anywhere. */
const key = (provider: string): string => ['sealed', provider, 'k'.repeat(20)].join('-');

let upstream: FakeUpstream;
let impostor: FakeUpstream;
let proxy: LocalProxy;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const { key: privateKey, certificate } = await (await TestAuthority.create()).issueServer();
  impostor = await startFakeUpstream({ tls: { key: privateKey, cert: certificate } });
  const vault = await startTestVault();
  for (const provider of ['openai', 'anthropic', 'mistral']) {
    await sealInto(vault, provider, provider, key(provider));
  }
  const parsed = parsePolicy('apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow }\n', {
    layer: 'global',
  });
  if (!parsed.ok) throw new Error('policy');
  const policy = compilePolicy({ revision: 7, layers: [parsed] });
  // Every host that an attack below could lead to answers, and tells what it was sent.
  const hosts = ['api.openai.com', 'api.anthropic.com', 'evil.example', 'api.openai.com.evil.example'];
  proxy = new LocalProxy(
    {
      port: 0,
      bodyLimitBytes: 1024 * 1024,
      connectTo: {
        ...Object.fromEntries(hosts.map((host) => [host, upstream.url])),
        'api.mistral.ai': impostor.url,
      },
    },
    {
      policy: inForce(() => policy),
      ...engines(),
      identify: async () => BOT,
      authorise: async () => ({ allowed: true, entry: '/usr/bin/bot' }),
      keys: vault,
      record: () => {},
      modelSeen: () => {},
      failed: (error) => {
        throw error;
      },
    },
  );
  await proxy.start();
});
afterEach(() => {
  vi.unstubAllEnvs();
  upstream.reset();
});
afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
  await impostor.stop();
});

/** Byte for byte. @returns the status line and whatever follows */
async function send(target: string, headers: readonly string[] = [], version = 'HTTP/1.1'): Promise<string> {
  const socket = connect(proxy.port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
  });
  socket.write([`GET ${target} ${version}`, 'Connection: close', ...headers, '', ''].join('\r\n'));
  await once(socket, 'close');
  return answer;
}

const PLACEHOLDER = 'Authorization: Bearer raypher';

describe('a sealed key reaches its provider’s own host and no other', () => {
  test.each([
    ['a Host header', '/v1/models', ['Host: evil.example']],
    ['two Host headers', '/v1/models', ['Host: 127.0.0.1', 'Host: evil.example']],
    ['a forwarding header', '/v1/models', ['Host: 127.0.0.1', 'X-Forwarded-Host: evil.example']],
    ['user information', 'https://api.openai.com@evil.example/v1/models', ['Host: x']],
    ['a backslash', 'https://evil.example\\@api.openai.com/v1/models', ['Host: x']],
    ['two slashes', '//evil.example/v1/models', ['Host: 127.0.0.1']],
    ['two slashes behind a prefix', '/openai//evil.example/v1', ['Host: 127.0.0.1']],
    ['a longer name', 'https://api.openai.com.evil.example/v1/models', ['Host: x']],
    ['a fragment', 'https://evil.example#api.openai.com/v1/models', ['Host: x']],
    ['a query without a path', 'https://evil.example?https://api.openai.com/v1', ['Host: x']],
    ['the way up to another provider', '/openai/../anthropic/v1/messages', ['Host: 127.0.0.1']],
    ['the same, encoded', '/openai/%2e%2e/anthropic/v1/messages', ['Host: 127.0.0.1']],
    ['a prefix that only begins like one', '/openai.evil.example/v1', ['Host: 127.0.0.1']],
    ['plain HTTP', 'http://api.openai.com/v1/models', ['Host: x']],
    ['plain HTTP on the port of HTTPS', 'http://api.openai.com:443/v1/models', ['Host: x']],
    ['another scheme', 'ftp://api.openai.com/v1/models', ['Host: x']],
  ])('in spite of %s', async (_, target, headers) => {
    await send(target, [...headers, PLACEHOLDER]);
    for (const { headers: arrived } of upstream.requests) {
      const sent = JSON.stringify(arrived);
      if (arrived.host !== 'api.openai.com') expect(sent).not.toContain(key('openai'));
      if (arrived.host !== 'api.anthropic.com') expect(sent).not.toContain(key('anthropic'));
      expect(sent).not.toContain('raypher');
    }
  });

  test('with a trailing dot, another case or a port it is still the provider', async () => {
    await send('HTTPS://API.OpenAI.com.:443/v1/models', ['Host: x', PLACEHOLDER]);
    expect(upstream.requests.at(-1)?.headers).toMatchObject({
      host: 'api.openai.com',
      authorization: `Bearer ${key('openai')}`,
    });
  });

  test('not when the certificate is not the provider’s, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const answer = await send('/mistral/v1/models', ['Host: 127.0.0.1', PLACEHOLDER]);
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    expect(impostor.requests).toEqual([]);
  });
});

describe('a credential that is sent in several ways', () => {
  test.each([
    ['twice, the placeholder last', ['Authorization: Bearer own', PLACEHOLDER]],
    ['in another header, in capitals', ['X-API-KEY: own', PLACEHOLDER]],
    ['and named as belonging to the connection', ['Connection: authorization', PLACEHOLDER]],
    ['with a cookie', ['Cookie: session=own', PLACEHOLDER]],
  ])('goes on as the sealed key alone: %s', async (_, headers) => {
    await send('/v1/models?api_key=own', ['Host: 127.0.0.1', ...headers]);
    const arrived = upstream.requests.at(-1);
    expect(arrived?.headers.authorization).toBe(`Bearer ${key('openai')}`);
    expect(JSON.stringify(arrived)).not.toContain('own');
  });

  test('is refused for a key of another provider, and never sent to it', async () => {
    const answer = await send('/v1/models', ['Host: 127.0.0.1', 'Authorization: Bearer raypher:anthropic']);
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(upstream.requests).toEqual([]);
  });

  test('is not read from a request of HTTP/0.9', async () => {
    await send('/v1/models', ['Host: 127.0.0.1', PLACEHOLDER], '');
    expect(upstream.requests).toEqual([]);
  });
});
