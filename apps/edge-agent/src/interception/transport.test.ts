import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import type { Server as NetServer } from 'node:net';
import { createServer as createTlsServer, rootCertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TestInterception } from '../testing/test-interception.ts';
import { CertificateAuthority } from './certificate-authority.ts';

const MIB = 1024 * 1024;
let world: TestInterception;
/** What the server does with the next request. */
let serve: (request: IncomingMessage, response: ServerResponse) => void = () => {};
const server = createServer((request, response) => serve(request, response));
const secured = createTlsServer({}, (socket) => {
  socket.on('error', () => {});
  socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
});
let upstreams: CertificateAuthority;

beforeAll(async () => {
  upstreams = await CertificateAuthority.open(await CertificateAuthority.createRoot('upstreams'));
  secured.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  secured.listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(secured, 'listening')]);
  world = await TestInterception.start({
    'big.example': `http://127.0.0.1:${portOf(server)}`,
    'secured.example': `https://127.0.0.1:${portOf(secured)}`,
  });
});
afterEach(() => world.reset());
afterAll(async () => {
  setDefaultCACertificates(rootCertificates);
  await world.stop();
  server.closeAllConnections();
  server.close();
  secured.close();
});

function portOf(listening: NetServer): number {
  const address = listening.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function http2(): Promise<ClientHttp2Session> {
  const socket = await world.secure('big.example:443', { ALPNProtocols: ['h2'] });
  return connectHttp2('https://big.example', { createConnection: () => socket, maxSessionMemory: 200 });
}

/** One request of each kind, to the same server: its status, and its body as it comes. */
const KINDS = ['HTTP/1.1', 'HTTP/2'] as const;
async function ask(
  kind: (typeof KINDS)[number],
  body?: Buffer,
): Promise<{ status: number; body: AsyncIterable<Buffer>; hangUp: () => void }> {
  if (kind === 'HTTP/2') {
    const session = await http2();
    const stream = session.request({ ':path': '/', ':method': body === undefined ? 'GET' : 'POST' });
    stream.on('error', () => {});
    stream.end(body);
    const [headers] = await once(stream, 'response');
    stream.once('close', () => session.close());
    return { status: headers[':status'], body: stream, hangUp: () => stream.close(8) };
  }
  const socket = await world.secure('big.example:443');
  const request = httpsRequest({
    host: 'big.example',
    createConnection: () => socket,
    method: body === undefined ? 'GET' : 'POST',
  });
  request.on('error', () => {});
  request.end(body);
  const [answer]: IncomingMessage[] = await once(request, 'response');
  if (answer === undefined) throw new Error('no answer');
  return { status: answer.statusCode ?? 0, body: answer, hangUp: () => socket.destroy() };
}

test.each(KINDS)('a stream arrives as it is produced: %s', async (kind) => {
  const seen = Promise.withResolvers<void>();
  serve = async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    // The second is only produced once the first was seen at the other end.
    await seen.promise;
    response.end('data: 2\n\n');
  };
  const { body } = await ask(kind);
  let text = '';
  for await (const chunk of body) {
    text += chunk;
    seen.resolve();
  }
  expect(text).toBe('data: 1\n\ndata: 2\n\n');
});

test.each(KINDS)(
  '64 MiB go up and come back unchanged: %s',
  async (kind) => {
    const body = randomBytes(64 * MIB);
    serve = (request, response) => {
      response.writeHead(200);
      request.pipe(response);
    };
    const answer = await ask(kind, body);
    const hash = createHash('sha256');
    for await (const chunk of answer.body) hash.update(chunk);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
  },
  60_000,
);

test.each(KINDS)('a client that hangs up in the middle ends the request at the server: %s', async (kind) => {
  const gone = Promise.withResolvers<void>();
  serve = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
    response.once('close', gone.resolve);
  };
  const { body, hangUp } = await ask(kind);
  const chunks = body[Symbol.asyncIterator]();
  await chunks.next();
  hangUp();
  await gone.promise;
  expect(await world.recorded('network.request')).toMatchObject({ data: { status: 499 } });
});

test.each(KINDS)('an answer that breaks off looks broken, not short: %s', async (kind) => {
  serve = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    response.write('the beginning');
    setImmediate(() => response.destroy());
  };
  const { body, status } = await ask(kind);
  expect(status).toBe(200);
  const read = async () => {
    for await (const _chunk of body);
  };
  await expect(read()).rejects.toThrow();
});

test('an upload that is given up on HTTP/2 does not look complete at the server', async () => {
  const broken = Promise.withResolvers<boolean>();
  serve = (request) => {
    request.resume();
    request.once('close', () => broken.resolve(!request.complete));
  };
  const session = await http2();
  const stream = session.request({ ':path': '/', ':method': 'POST' });
  stream.on('error', () => {});
  stream.write(Buffer.alloc(64 * 1024));
  const [started] = await Promise.all([
    once(server, 'request'),
    expect.poll(() => stream.bufferSize).toBe(0),
  ]);
  expect(started).toBeDefined();
  // `close` would end the body first.
  stream.destroy(new Error('given up'));
  expect(await broken.promise).toBe(true);
  session.destroy();
});

test('one connection carries many requests one after the other', async () => {
  let count = 0;
  serve = (_request, response) => response.end(String(++count));
  const socket = await world.secure('big.example:443');
  for (const expected of ['1', '2', '3']) {
    socket.write('GET / HTTP/1.1\r\nHost: big.example\r\n\r\n');
    let text = '';
    while (!text.endsWith(`\r\n\r\n${expected}`) && !/\r\n0\r\n\r\n$/.test(text)) {
      text += String((await once(socket, 'data'))[0]);
    }
    expect(text).toContain(expected);
  }
  socket.destroy();
});

test('two requests in one packet are answered in order', async () => {
  serve = (request, response) => response.end(request.url);
  const socket = await world.secure('big.example:443');
  const head = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: big.example\r\n${more}\r\n`;
  socket.write(head('/one') + head('/two', 'Connection: close\r\n'));
  let text = '';
  for await (const chunk of socket) text += chunk;
  expect(text.indexOf('/one')).toBeGreaterThan(-1);
  expect(text.indexOf('/two')).toBeGreaterThan(text.indexOf('/one'));
});

test('an upstream is verified: made out by somebody else, expired, or for another name, it is not spoken to', async () => {
  const get = async () => {
    const secure = await world.secure('secured.example:443');
    return world.request(secure, 'GET / HTTP/1.1\r\nHost: secured.example');
  };
  const use = async (host: string, at?: number) => {
    const { key, certificate } = await upstreams.issue(host, at);
    secured.setSecureContext({ key, cert: certificate });
  };
  await use('secured.example');
  expect(await get()).toMatch(/^HTTP\/1\.1 502 [\s\S]*(UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET_ISSUER)/);
  setDefaultCACertificates([...rootCertificates, upstreams.certificate]);
  expect(await get()).toMatch(/^HTTP\/1\.1 200 /);
  await use('secured.example', Date.now() - 40 * 24 * 3_600_000);
  expect(await get()).toMatch(/^HTTP\/1\.1 502 [\s\S]*CERT_HAS_EXPIRED/);
  await use('other.example');
  expect(await get()).toMatch(/^HTTP\/1\.1 502 [\s\S]*ALTNAME_INVALID/);
});
