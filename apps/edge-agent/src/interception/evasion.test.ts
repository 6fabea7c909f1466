import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TestInterception } from '../testing/test-interception.ts';
import { CertificateAuthority } from './certificate-authority.ts';

const run = promisify(execFile);
const NO_DEEPSEEK = "rules: [{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]";
const GET = 'GET /v1/models HTTP/1.1\r\nAuthorization: Bearer k\r\nHost:';

/** A server behind tunnels that are not read: TLS with a certificate of its own, or a greeting in the clear. */
let elsewhere: CertificateAuthority;
const pinned = createTlsServer({}, (socket) =>
  socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npinned'),
);
const greeter = createTcpServer((socket) => {
  socket.write('220 hello\r\n');
  socket.on('data', (bytes) => socket.write(bytes)).on('error', () => {});
});
const echo = createTcpServer((socket) => {
  socket.on('data', (bytes) => socket.write(bytes)).on('error', () => {});
});
let world: TestInterception;

beforeAll(async () => {
  elsewhere = await CertificateAuthority.open(await CertificateAuthority.createRoot('elsewhere'));
  const { key, certificate } = await elsewhere.issue('pinned.example');
  pinned.setSecureContext({ key, cert: certificate });
  pinned.on('tlsClientError', () => {});
  world = await TestInterception.start({
    'pinned.example': `https://127.0.0.1:${await listen(pinned)}`,
    'mail.example': `http://127.0.0.1:${await listen(greeter)}`,
    'echo.example': `http://127.0.0.1:${await listen(echo)}`,
  });
});
afterEach(() => world.reset());
afterAll(async () => {
  await world.stop();
  for (const server of [pinned, greeter, echo]) server.close();
});

async function listen(server: ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test.each([
  ['in the handshake', 'site.example:443', { servername: 'api.deepseek.com' }, 'api.deepseek.com'],
  [
    'in the handshake, in capitals',
    'site.example:443',
    { servername: 'API.DeepSeek.com' },
    'api.deepseek.com',
  ],
  ['behind an address', '192.0.2.7:443', { servername: 'api.deepseek.com' }, 'api.deepseek.com'],
])('a forbidden name %s is the one that counts', async (_where, target, options, host) => {
  world.enforce(NO_DEEPSEEK);
  const secure = await world.secure(target, options);
  expect(await world.request(secure, `${GET} ${host}`)).toMatch(/^HTTP\/1\.1 403 /);
  expect(world.upstream.requests).toEqual([]);
  expect(await world.recorded('network.request')).toMatchObject({
    target: 'api.deepseek.com/v1/models',
    verdict: { rule: 'no-deepseek' },
  });
});

test.each(['enforce', 'monitor'] as const)(
  'a Host header that is not who the connection is with is refused (%s)',
  async (mode) => {
    world.enforce('rules: []', mode);
    const secure = await world.secure('site.example:443');
    expect(await world.request(secure, `${GET} api.deepseek.com`)).toMatch(/^HTTP\/1\.1 421 /);
    const absolute = await world.secure('site.example:443');
    const line = 'GET https://api.deepseek.com/v1/models HTTP/1.1\r\nHost: site.example';
    expect(await world.request(absolute, line)).toMatch(/^HTTP\/1\.1 421 /);
    expect(world.upstream.requests).toEqual([]);
    expect(await world.recorded('network.request')).toMatchObject({
      verdict: { rule: 'builtin/host-mismatch', outcome: 'DENY' },
      data: { denied: true, named: 'api.deepseek.com' },
    });
  },
);

test.each([
  ['authority', { ':authority': 'api.deepseek.com' }],
  ['host', { ':authority': 'site.example', host: 'api.deepseek.com' }],
])('another name in the %s of an HTTP/2 request is refused', async (_what, headers) => {
  const socket = await world.secure('site.example:443', { ALPNProtocols: ['h2'] });
  const session = connectHttp2('https://site.example', { createConnection: () => socket });
  const stream = session.request({ ':path': '/v1/models', ...headers });
  const [answer] = await once(stream, 'response');
  session.destroy();
  expect(answer[':status']).toBe(421);
  expect(world.upstream.requests).toEqual([]);
});

test('the port in Host, capitals and a trailing dot are no other name', async () => {
  for (const named of ['site.example', 'site.example:443', 'SITE.example.', 'site.example:8443']) {
    const secure = await world.secure('site.example:443');
    expect(await world.request(secure, `${GET} ${named}`)).toMatch(/^HTTP\/1\.1 200 /);
  }
  expect(world.upstream.requests.map(({ headers }) => headers.host)).toEqual(
    Array.from({ length: 4 }, () => 'site.example'),
  );
});

test('a tunnel inside a tunnel is refused', async () => {
  const secure = await world.secure('site.example:443');
  secure.write('CONNECT api.deepseek.com:443 HTTP/1.1\r\nHost: api.deepseek.com:443\r\n\r\n');
  const [answer] = await once(secure, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /);
});

test('plain HTTP inside a tunnel is read too', async () => {
  world.enforce(NO_DEEPSEEK);
  const { socket } = await world.open('api.deepseek.com:80');
  expect(await world.request(socket, `${GET} api.deepseek.com`)).toMatch(/^HTTP\/1\.1 403 /);
  const other = await world.open('site.example:80');
  expect(await world.request(other.socket, `${GET} site.example`)).toMatch(/^HTTP\/1\.1 200 /);
});

test('a client that is silent at first is read when it speaks, before anything went through', async () => {
  world.enforce(NO_DEEPSEEK);
  // Allowed as a tunnel; the name inside is not. The proxy has given up waiting when it connects.
  const connected = once(echo, 'connection');
  const { socket } = await world.open('echo.example:443');
  await connected;
  const secure = tlsConnect({ socket, servername: 'api.deepseek.com', ca: world.authority.certificate });
  await once(secure, 'secureConnect');
  expect(await world.request(secure, `${GET} api.deepseek.com`)).toMatch(/^HTTP\/1\.1 403 /);
  expect(world.events.some(({ type }) => type === 'network.tunnel')).toBe(false);
});

test('a server that resets a tunnel before anybody spoke ends that tunnel alone', async () => {
  const connected = once(echo, 'connection');
  const { socket } = await world.open('echo.example:443');
  const [upstream]: Socket[] = await connected;
  // The other end is in this process too: it learns of the connection before these turns are over.
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  upstream?.resetAndDestroy();
  await once(socket.resume(), 'close');
  const { socket: another } = await world.open('echo.example:22');
  another.write('SSH-2.0-test\r\n');
  expect(String((await once(another, 'data'))[0])).toBe('SSH-2.0-test\r\n');
  another.destroy();
});

test('a hello that comes byte by byte is read like any other', async () => {
  world.enforce(NO_DEEPSEEK);
  const { socket } = await world.open('api.deepseek.com:443');
  const dribble = new Duplex({
    read: () => {},
    write: (bytes: Buffer, _encoding, done) => {
      socket.setNoDelay(true);
      for (const byte of bytes) socket.write(Buffer.of(byte));
      done();
    },
  });
  socket.on('data', (bytes) => dribble.push(bytes));
  const secure = tlsConnect({
    socket: dribble,
    servername: 'api.deepseek.com',
    ca: world.authority.certificate,
  });
  await once(secure, 'secureConnect');
  secure.write(`${GET} api.deepseek.com\r\n\r\n`);
  expect(String((await once(secure, 'data'))[0])).toMatch(/^HTTP\/1\.1 403 /);
  socket.destroy();
});

test('a name on the pass-through list does not open the way to another address', async () => {
  world.passThrough = ['pinned.example'];
  // Asks for one server and says the name of the other.
  const { socket } = await world.open('echo.example:443');
  const secure = tlsConnect({ socket, servername: 'pinned.example', ca: elsewhere.certificate });
  await once(secure, 'secureConnect');
  expect(await world.request(secure, `${GET} pinned.example`)).toContain('pinned');
  expect(await world.recorded('network.tunnel')).toMatchObject({ target: 'pinned.example:443' });
});

test('hosts on the pass-through list keep their own certificate, and are recorded as uninspected', async () => {
  world.passThrough = ['*.example'];
  const secure = await world.secure('pinned.example:443', { ca: elsewhere.certificate });
  expect(await world.request(secure, `${GET} pinned.example`)).toContain('pinned');
  expect(await world.recorded('network.tunnel')).toMatchObject({
    target: 'pinned.example:443',
    data: { inspected: false, uninspectedBecause: 'pass-through' },
  });
  world.reset();
  world.passThrough = ['example', '*.pinned.example'];
  await expect(world.secure('pinned.example:443', { ca: elsewhere.certificate })).rejects.toThrow();
  await world.recorded('network.uninspected');
});

/** Each with a trust store that does not have our root. */
const PINNED: Record<string, { program: () => Promise<unknown>; reason: string }> = {
  curl: {
    program: () => run('curl', ['-sS', '-x', world.url, 'https://pinned.example/']),
    reason: 'certificate-refused',
  },
  Python: {
    program: () =>
      run('python3', ['-c', "import urllib.request as u; u.urlopen('https://pinned.example/')"], {
        env: { PATH: process.env.PATH, https_proxy: world.url },
      }),
    reason: 'certificate-refused',
  },
  'Node.js, which looks after the handshake': {
    program: () =>
      run(process.execPath, ['-e', "fetch('https://pinned.example/')"], {
        env: { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: world.url },
      }),
    reason: 'closed',
  },
};

test.each(Object.keys(PINNED))(
  '%s that does not trust the root is reported, and stays refused',
  async (name) => {
    const { program, reason } = PINNED[name] ?? {};
    await expect(program?.()).rejects.toThrow();
    expect(await world.recorded('network.uninspected')).toMatchObject({
      severity: 'warning',
      target: 'pinned.example:443',
      data: { reason, passedFromNowOn: false, hint: expect.stringContaining('interception.pass_through') },
    });
    await expect(program?.()).rejects.toThrow();
    expect(world.events.some(({ type }) => type === 'network.tunnel')).toBe(false);
  },
);

test('in monitor mode such a program works from the next connection on, for that host alone, until enforcement begins', async () => {
  world.enforce('rules: []', 'monitor');
  const connect = (host = 'pinned.example') => world.secure(`${host}:443`, { ca: elsewhere.certificate });
  await expect(connect()).rejects.toThrow();
  expect(await world.recorded('network.uninspected')).toMatchObject({
    severity: 'notice',
    data: { passedFromNowOn: true, program: world.program },
  });
  expect(await world.request(await connect(), `${GET} pinned.example`)).toContain('pinned');
  expect(await world.recorded('network.tunnel')).toMatchObject({
    data: { uninspectedBecause: 'certificate-refused-before' },
  });
  // Another host, and another program, are read.
  await world.request(await world.secure('site.example:443'), `${GET} site.example`);
  const known = world.program;
  world.program = randomBytes(32).toString('hex');
  await expect(connect()).rejects.toThrow();
  const reports = () => world.events.filter(({ type }) => type === 'network.uninspected');
  await expect.poll(reports).toHaveLength(2);
  world.program = known;
  world.enforce('rules: []', 'enforce');
  await expect(connect()).rejects.toThrow();
});

test('a client with nothing newer than TLS 1.1 is refused and reported', async () => {
  const { socket } = await world.open('site.example:443');
  const old = tlsConnect({
    socket,
    servername: 'site.example',
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    rejectUnauthorized: false,
  });
  await expect(once(old, 'secureConnect')).rejects.toThrow();
  expect(await world.recorded('network.uninspected', 'site.example')).toMatchObject({
    data: { reason: 'handshake' },
  });
});

test('a client without ALPN is read; what is no HTTP inside TLS is reported and ended', async () => {
  const secure = await world.secure('site.example:443');
  expect(secure.alpnProtocol).toBe(false);
  expect(await world.request(secure, `${GET} site.example`)).toMatch(/^HTTP\/1\.1 200 /);
  const mail = await world.secure('site.example:443');
  mail.write('EHLO somebody\r\n');
  mail.resume();
  await once(mail, 'close');
  expect(await world.recorded('network.uninspected', 'site.example')).toMatchObject({
    data: { reason: 'not-http' },
  });
  expect(world.upstream.requests).toHaveLength(1);
});

test('TLS that offers no HTTP is refused, and in monitor mode passed on at once', async () => {
  const open = () =>
    world.secure('pinned.example:443', { ALPNProtocols: ['postgresql'], ca: elsewhere.certificate });
  await expect(open()).rejects.toThrow();
  expect(await world.recorded('network.uninspected')).toMatchObject({
    data: { reason: 'protocol', detail: 'postgresql' },
  });
  world.enforce('rules: []', 'monitor');
  world.program = randomBytes(32).toString('hex');
  expect(await world.request(await open(), `${GET} pinned.example`)).toContain('pinned');
  expect(await world.recorded('network.tunnel')).toMatchObject({ data: { uninspectedBecause: 'protocol' } });
});

test('gRPC is answered in its own words, and reported', async () => {
  const call = async () => {
    const socket = await world.secure('site.example:443', { ALPNProtocols: ['h2'] });
    const session = connectHttp2('https://site.example', { createConnection: () => socket });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/a.B/C',
      'content-type': 'application/grpc',
    });
    stream.end(Buffer.alloc(5));
    const [[headers]] = await Promise.all([once(stream, 'response'), once(session, 'close')]);
    return headers;
  };
  expect(await call()).toMatchObject({ ':status': 200, 'grpc-status': '12' });
  expect(await world.recorded('network.uninspected')).toMatchObject({
    data: { reason: 'grpc', detail: '/a.B/C' },
  });
  expect(world.upstream.requests).toEqual([]);
});

test('what is neither TLS nor HTTP passes as it came, and says so', async () => {
  const { socket } = await world.open('echo.example:22');
  socket.write('SSH-2.0-test\r\n');
  expect(String((await once(socket, 'data'))[0])).toBe('SSH-2.0-test\r\n');
  socket.destroy();
  expect(await world.recorded('network.tunnel')).toMatchObject({
    data: { inspected: false, uninspectedBecause: 'not-tls' },
  });
});

test('a tunnel that nobody reads is seen while it is open, and can be cut', async () => {
  const { socket } = await world.open('echo.example:22');
  socket.write('SSH-2.0-test\r\n');
  await once(socket, 'data');
  const [live] = world.engines.connections.list();
  expect(live).toMatchObject({ kind: 'tunnel', host: 'echo.example', bytesSent: 14, bytesReceived: 14 });
  world.engines.connections.cut(live?.id ?? '', 'ada');
  await once(socket, 'close');
  expect(await world.recorded('network.tunnel')).toMatchObject({ data: { brokenOff: 'person' } });
  expect(world.engines.connections.list()).toEqual([]);
});

test('a server that speaks first is heard', async () => {
  const { socket } = await world.open('mail.example:25');
  expect(String((await once(socket, 'data'))[0])).toBe('220 hello\r\n');
  socket.write('QUIT\r\n');
  expect(String((await once(socket, 'data'))[0])).toBe('QUIT\r\n');
  socket.destroy();
  expect(await world.recorded('network.tunnel')).toMatchObject({
    data: { uninspectedBecause: 'server-first' },
  });
});

test.each([
  ['IPv4', '192.0.2.7:443'],
  ['a name', 'site.example:443'],
])('without a server name the certificate is for what was asked for: %s', async (_what, target) => {
  const { socket } = await world.open(target);
  const host = target.replace(/:443$/, '');
  // With a socket that is there already, Node.js sends no name unless it is told one.
  const secure = tlsConnect({ socket, host, ca: world.authority.certificate });
  await once(secure, 'secureConnect');
  expect(await world.request(secure, `${GET} ${host}`)).toMatch(/^HTTP\/1\.1 200 /);
});

test('a server name longer than any is refused', async () => {
  // One more than a name may have, and the most that OpenSSL sends.
  const name = `${'a'.repeat(60)}.`.repeat(5).slice(0, 254);
  const { socket } = await world.open('192.0.2.7:443');
  const secure = tlsConnect({ socket, servername: name, rejectUnauthorized: false });
  await expect(once(secure, 'secureConnect')).rejects.toThrow();
  expect(await world.recorded('network.tunnel')).toMatchObject({
    verdict: { rule: 'builtin/invalid-host' },
    data: { denied: true, bytesSent: 0 },
  });
  expect((await world.open(`${name}${'b'.repeat(46)}:443`)).status).toBe('400');
});

test('damaged bytes of TLS break nothing', async () => {
  for (const bytes of [Buffer.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0), Buffer.of(0x16, 3, 3, 0, 4, 2, 0, 0, 0)]) {
    const { socket } = await world.open('echo.example:443');
    socket.on('error', () => {});
    socket.end(bytes);
    await once(socket, 'close').catch(() => {});
  }
  const secure = await world.secure('site.example:443');
  expect(await world.request(secure, `${GET} site.example`)).toMatch(/^HTTP\/1\.1 200 /);
});
