import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';
import { createServer as createTlsServer, rootCertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TestInterception } from '../testing/test-interception.ts';
import { CertificateAuthority } from './certificate-authority.ts';

let world: TestInterception;
let upstreams: CertificateAuthority;
/** What a server says to the first bytes that it gets. */
let say: (socket: Socket, request: string) => void = () => {};
const sockets = new Set<Socket>();
const server = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => {}).once('data', (bytes) => say(socket, String(bytes)));
});
const answers = createHttpServer((request, response) => {
  const twice = request.url === '/twice' ? ['etag', '"1"', 'etag', '"2"'] : [];
  response.writeHead(200, ['content-type', 'application/json', ...twice]).end('{}');
});
const secured = createTlsServer({ ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
  const spoken = String(socket.alpnProtocol);
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${spoken.length}\r\n\r\n${spoken}`);
});

beforeAll(async () => {
  upstreams = await CertificateAuthority.open(await CertificateAuthority.createRoot('upstreams'));
  const { key, certificate } = await upstreams.issue('secured.example');
  secured.setSecureContext({ key, cert: certificate });
  const ports: number[] = [];
  for (const one of [server, answers, secured] as Server[]) {
    one.listen(0, '127.0.0.1');
    await once(one, 'listening');
    ports.push((one.address() as AddressInfo).port);
  }
  world = await TestInterception.start({
    'hostile.example': `http://127.0.0.1:${ports[0]}`,
    'answers.example': `http://127.0.0.1:${ports[1]}`,
    'secured.example': `https://127.0.0.1:${ports[2]}`,
  });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => world.engines.connections.list()).toEqual([]);
  await expect.poll(() => world.proxy.connections).toBe(0);
  world.reset();
});
afterAll(async () => {
  setDefaultCACertificates(rootCertificates);
  await world.stop();
  answers.closeAllConnections();
  for (const one of [server, answers, secured]) one.close();
});

/** A connection to the proxy whose end is its own to decide. */
function client(): Socket {
  return tcpConnect({ port: world.proxy.port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
}

async function until(socket: Socket, text: string): Promise<string> {
  let read = '';
  while (!read.includes(text)) read += String((await once(socket, 'data'))[0]);
  return read;
}

const get = (path: string) => `GET http://answers.example${path} HTTP/1.1\r\nHost: answers.example\r\n\r\n`;
const upgrade = (host: string) =>
  `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`;
const CONNECT = 'CONNECT nowhere HTTP/1.1\r\nHost: nowhere\r\n\r\n';

/** Opens a WebSocket at the server, which sends on what it likes. */
function accept(socket: Socket, request: string): void {
  const key = /sec-websocket-key: (\S+)/i.exec(request)?.[1] ?? '';
  const accepted = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accepted}\r\n\r\n`,
  );
}

test.each([
  ['an upgrade behind a request that is not answered yet', get('/'), upgrade('answers.example'), [200, 200]],
  [
    'an upgrade behind one that is answered at once',
    'GET /nowhere HTTP/1.1\r\nHost: nowhere\r\n\r\n',
    upgrade('answers.example'),
    [404, 200],
  ],
  ['a tunnel behind a request that is not answered yet', get('/'), CONNECT, [200, 400]],
])('%s waits for its turn', async (_what, first, second, expected) => {
  const socket = client();
  socket.write(first + second);
  const statuses: number[] = [];
  socket.on('data', (bytes) => {
    for (const [, status] of String(bytes).matchAll(/HTTP\/1\.1 (\d{3}) /g)) statuses.push(Number(status));
  });
  await expect.poll(() => statuses).toEqual(expected);
  socket.destroy();
});

test('no connection has more than a few requests waiting', async () => {
  const socket = client().resume();
  socket.write(get('/').replaceAll('answers', 'hostile').repeat(2000));
  await expect.poll(() => socket.closed).toBe(true);
});

test('an answer with two lines of what should be one goes on to a client of HTTP/2', async () => {
  const secure = await world.secure('answers.example:443', { ALPNProtocols: ['h2'] });
  const session = connectHttp2('https://answers.example', { createConnection: () => secure });
  const stream = session.request({ ':path': '/twice' });
  const [headers] = await once(stream, 'response');
  expect(headers[':status']).toBe(200);
  session.destroy();
});

test('servers are not spoken to in HTTP/2', async () => {
  setDefaultCACertificates([...rootCertificates, upstreams.certificate]);
  const secure = await world.secure('secured.example:443');
  const answer = await world.request(secure, 'GET / HTTP/1.1\r\nHost: secured.example');
  expect(answer).toMatch(/\r\n\r\nhttp\/1\.1$/);
});

test.each([
  ['a tunnel', CONNECT],
  ['a WebSocket', upgrade('answers.example').replace('Version: 13', 'Version: 8')],
])('a client that is refused %s, sends on and goes away leaves no connection', async (_what, request) => {
  const socket = client();
  socket.write(request);
  await until(socket, 'HTTP/1.1 400 ');
  socket.write('nobody reads this');
  socket.destroy();
  await expect.poll(() => world.proxy.connections).toBe(0);
});

const DRIP = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nbegin';

test('a server that refuses a WebSocket and never ends its answer holds nothing of a client that has gone', async () => {
  say = (socket) => socket.write(DRIP);
  const socket = client();
  socket.write(upgrade('hostile.example'));
  await until(socket, 'begin');
  socket.end();
  await expect.poll(() => world.engines.connections.size).toBe(0);
});

test('a server that never answers the handshake of a WebSocket is given up', async () => {
  say = () => {};
  const socket = client();
  socket.write(upgrade('hostile.example'));
  expect(await until(socket, 'ETIMEDOUT')).toMatch(/^HTTP\/1\.1 502 /);
  socket.destroy();
}, 60_000);

test('a person can cut a WebSocket while the server refuses it', async () => {
  say = (socket) => socket.write(DRIP);
  const socket = client();
  socket.write(upgrade('hostile.example'));
  await until(socket, 'begin');
  world.engines.connections.cut(world.engines.connections.list()[0]?.id ?? '', 'ada');
  await expect.poll(() => world.engines.connections.size).toBe(0);
  expect(await world.recorded('network.request')).toMatchObject({ data: { brokenOff: 'person' } });
});

test.each([
  ['the answer to a refused WebSocket', Buffer.alloc(65_536, 'x'), (socket: Socket) => socket.write(DRIP)],
  ['pings', Buffer.alloc(127 * 512, Buffer.concat([Buffer.of(0x89, 125), Buffer.alloc(125)])), accept],
  ['pongs', Buffer.alloc(127 * 512, Buffer.concat([Buffer.of(0x8a, 125), Buffer.alloc(125)])), accept],
])(
  '%s without end fill no memory while the client does not read',
  async (_what, flood, begin) => {
    let sent = 0;
    say = (socket, request) => {
      begin(socket, request);
      const more = (): void => {
        while (!socket.destroyed && socket.write(flood)) sent += flood.length;
        sent += flood.length;
        socket.once('drain', more);
      };
      more();
    };
    const socket = client().pause();
    socket.write(upgrade('hostile.example'));
    let before = -1;
    let stalled = 0;
    // Bytes that nobody takes have nowhere to go but to memory, unless the server is made to wait.
    await expect
      .poll(
        () => {
          stalled = sent === before ? stalled + 1 : 0;
          before = sent;
          return stalled;
        },
        { interval: 500, timeout: 25_000 },
      )
      .toBeGreaterThanOrEqual(4);
    socket.destroy();
  },
  30_000,
);
