import { once } from 'node:events';
import { createServer, type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { type FakeUpstream, startFakeUpstream } from '@raypher/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { engines, inForce, snapshotOf } from '../testing/policy-in-force.ts';
import { TestAuthority } from '../testing/test-authority.ts';
import { serverName } from './client-hello.ts';
import { LocalProxy } from './local-proxy.ts';

let upstream: FakeUpstream;
let proxy: LocalProxy;
const parts = engines();
let rules = '[]';
let recorded = Promise.withResolvers<EventDraft>();
const greeter = createServer((socket) => socket.end('220 hello\r\n'));

beforeAll(async () => {
  const { key, certificate } = await (await TestAuthority.create()).issueServer();
  upstream = await startFakeUpstream({ tls: { key, cert: certificate } });
  await new Promise<void>((resolve) => greeter.listen(0, '127.0.0.1', resolve));
  const address = greeter.address();
  const greeterPort = typeof address === 'object' && address !== null ? address.port : 0;
  proxy = new LocalProxy(
    {
      port: 0,
      bodyLimitBytes: 1024,
      connectTo: {
        'front.example': upstream.url,
        'api.openai.com': upstream.url,
        'mail.example': `http://127.0.0.1:${greeterPort}`,
      },
    },
    {
      policy: inForce(() => snapshotOf(`network: { default: allow, rules: ${rules} }`, 'enforce', 3)),
      ...parts,
      identify: async () => ({ process: { pid: 7, startTime: 1 }, agent: undefined }),
      record: (event) => recorded.resolve(event),
      modelSeen: () => {},
      failed: (error) => {
        throw error;
      },
    },
  );
  await proxy.start();
});
beforeEach(() => {
  rules = '[]';
  recorded = Promise.withResolvers();
});
afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
  greeter.close();
});

/** Opens a tunnel and gives back the first line of the answer and the socket behind it. */
async function open(target: string): Promise<{ status: string; body: string; socket: Socket }> {
  const socket = tcpConnect(proxy.port, '127.0.0.1');
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  const [head = '', body = ''] = String(answer).split('\r\n\r\n');
  return { status: head.split(' ')[1] ?? '', body, socket };
}

async function request(socket: Socket, servername: string): Promise<string> {
  // Only the tunnel is under test; whom the certificate is for is the client's concern.
  const secure = tlsConnect({ socket, servername, rejectUnauthorized: false });
  secure.write(
    `GET /v1/models HTTP/1.1\r\nHost: ${servername}\r\nAuthorization: Bearer k\r\nConnection: close\r\n\r\n`,
  );
  let text = '';
  for await (const chunk of secure) text += chunk;
  return text;
}

test('TLS passes through a tunnel untouched and is recorded as not inspected', async () => {
  const { status, socket } = await open('front.example:443');
  expect(status).toBe('200');
  expect(await request(socket, 'front.example')).toMatch(/^HTTP\/1\.1 200/);
  expect(await recorded.promise).toMatchObject({
    type: 'network.tunnel',
    target: 'front.example:443',
    verdict: { outcome: 'ALLOW' },
    data: { inspected: false, denied: false },
  });
});

test('a forbidden host gets no tunnel', async () => {
  rules = '[{ id: no-front, effect: deny, destinations: [front.example], reason: Not here. }]';
  const { status, body } = await open('FRONT.example.:443');
  expect(status).toBe('403');
  expect(JSON.parse(body).error.message).toContain('Not here.');
  expect(await recorded.promise).toMatchObject({ data: { denied: true, status: 403 } });
});

test('a forbidden name behind an allowed one is cut off before it reaches the other side', async () => {
  rules = "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]";
  const { status, socket } = await open('front.example:443');
  expect(status).toBe('200');
  expect(await request(socket, 'api.deepseek.com').catch(() => '')).toBe('');
  expect(await recorded.promise).toMatchObject({
    target: 'api.deepseek.com:443',
    verdict: { outcome: 'DENY', rule: 'no-deepseek' },
    data: { denied: true, bytesSent: 0 },
  });
});

test('a rule about models also stops tunnels to a model provider, whose model nobody can see', async () => {
  rules = '[{ id: no-gpt, effect: deny, models: ["gpt-4*"] }]';
  expect((await open('api.openai.com:443')).status).toBe('403');
  expect((await open('front.example:443')).status).toBe('200');
});

test('a protocol in which the server speaks first is not held up', async () => {
  const { body, socket } = await open('mail.example:25');
  // The greeting may arrive together with the answer to CONNECT.
  const greeting = body === '' ? String(await once(socket, 'data')) : body;
  expect(greeting).toBe('220 hello\r\n');
});

test.each([
  'front.example',
  'front.example:0',
  'http://front.example:443',
  ':443',
  'a b:443',
  'front.example:99999',
])('CONNECT %j is refused', async (target) => {
  const { status } = await open(target);
  expect(status).toBe('400');
});

test('the server name is found however the hello is cut into pieces', async () => {
  const hello = await captureHello('secret-name.example');
  expect(serverName(hello)).toBe('secret-name.example');
  for (const length of [0, 1, 5, 6, 40, hello.length - 1]) {
    expect(serverName(hello.subarray(0, length))).toBe('incomplete');
  }
  const body = hello.subarray(5);
  const record = (part: Buffer) =>
    Buffer.concat([Buffer.of(0x16, 3, 1, part.length >> 8, part.length & 0xff), part]);
  const split = Buffer.concat([record(body.subarray(0, 30)), record(body.subarray(30))]);
  expect(serverName(split)).toBe('secret-name.example');
});

test('a hello stretched beyond what is read is refused, not let through', async () => {
  rules = "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]";
  const hello = await captureHello('api.deepseek.com');
  const byteByByte = Buffer.concat(
    [...hello.subarray(5)].flatMap((byte) => [
      Buffer.of(0x16, 3, 1, 0, 0),
      Buffer.of(0x16, 3, 1, 0, 1, byte),
    ]),
  );
  expect(serverName(byteByByte)).toBe('api.deepseek.com');
  const huge = Buffer.concat([Buffer.of(0x16, 3, 1, 0x40, 0, 1, 2, 0, 0), Buffer.alloc(200_000, 0x16)]);
  const { socket } = await open('front.example:443');
  socket.on('error', () => {});
  socket.write(huge);
  expect(await recorded.promise).toMatchObject({
    verdict: { outcome: 'DENY', rule: 'builtin/invalid-host' },
    data: { denied: true, bytesSent: 0 },
  });
});

test('what is not TLS has no server name, and no bytes make it throw', async () => {
  expect(serverName(Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'))).toBeUndefined();
  const hello = await captureHello('a.example');
  for (let at = 5; at < hello.length; at++) {
    const damaged = Buffer.from(hello);
    damaged[at] = 0xff;
    expect(() => serverName(damaged)).not.toThrow();
  }
});

/** The first bytes that Node's own TLS client sends. */
async function captureHello(servername: string): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      resolve(bytes);
      socket.destroy();
      server.close();
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  const client = tlsConnect({
    port: typeof address === 'object' && address !== null ? address.port : 0,
    servername,
  });
  client.on('error', () => {});
  return promise;
}

test('a tunnel is among what is open, counts its bytes, and a person can cut it', async () => {
  const { connections } = parts;
  const { socket } = await open('front.example:443');
  const hello = new Promise<number>((resolve) => {
    const secure = tlsConnect({ socket, servername: 'front.example', rejectUnauthorized: false }, () =>
      resolve(secure.bytesWritten),
    );
    secure.on('error', () => undefined);
  });
  await hello;
  const live = connections.list().at(-1);
  expect(live).toMatchObject({
    kind: 'tunnel',
    host: 'front.example',
    port: 443,
    process: { pid: 7 },
    rule: { revision: 3 },
  });
  expect(live?.bytesSent).toBeGreaterThan(100);
  expect(live?.bytesReceived).toBeGreaterThan(100);
  const ended = once(socket, 'close');
  expect(connections.cut(live?.id ?? '', 'Ann')).toBe(live);
  await ended;
  expect((await recorded.promise).data).toMatchObject({ brokenOff: 'person' });
  expect(connections.list()).not.toContain(live);
  expect(connections.cut(live?.id ?? '', 'Ann')).toBeUndefined();
});
