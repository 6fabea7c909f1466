import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { TestInterception } from '../testing/test-interception.ts';

let world: TestInterception;
/** Says everything back, until a test wants something else. */
let handle: (socket: WebSocket, request: IncomingMessage) => void;
const echo: typeof handle = (socket) => socket.on('message', (data, binary) => socket.send(data, { binary }));
const http = createServer((request, response) => {
  if (request.url === '/hello') response.end('hello');
  else response.writeHead(404).end();
});
/** Accepts connections and never says a word. */
const silent = createTcpServer();
const server = new WebSocketServer({
  noServer: true,
  perMessageDeflate: true,
  handleProtocols: (offered) => (offered.has('realtime') ? 'realtime' : false),
});

beforeAll(async () => {
  server.on('headers', (lines) => lines.push('set-cookie: seen=1'));
  http.on('upgrade', (request, socket, head) => {
    if (request.url === '/closed') {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\nX-Why: no-key\r\n\r\nno key');
      return;
    }
    server.handleUpgrade(request, socket, head, (opened) => handle(opened, request));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  world = await TestInterception.start({
    'socket.example': url,
    'api.openai.com': url,
    'silent.example': `https://127.0.0.1:${(silent.address() as AddressInfo).port}`,
  });
});
afterEach(async () => {
  await expect.poll(() => world.engines.connections.list()).toEqual([]);
  world.reset();
  handle = echo;
});
afterAll(async () => {
  await world.stop();
  http.closeAllConnections();
  http.close();
  silent.close();
});
handle = echo;

/** How a client gets to `socket.example`, or with a base URL to a provider. */
const WAYS = {
  'wss in a tunnel': async (path: string, protocols: string[] = [], options: ClientOptions = {}) => {
    const secure = await world.secure('socket.example:443');
    return new WebSocket(`ws://socket.example${path}`, protocols, {
      createConnection: () => secure,
      ...options,
    });
  },
  'ws in a tunnel': async (path: string, protocols: string[] = [], options: ClientOptions = {}) => {
    const { socket } = await world.open('socket.example:80');
    return new WebSocket(`ws://socket.example${path}`, protocols, {
      createConnection: () => socket,
      ...options,
    });
  },
  'a base URL': async (path: string, protocols: string[] = [], options: ClientOptions = {}) =>
    new WebSocket(`${world.url.replace('http', 'ws')}/openai${path}`, protocols, options),
} as const;
const NAMES = Object.keys(WAYS) as (keyof typeof WAYS)[];

async function refused(
  socket: WebSocket,
): Promise<{ status: number; body: string; headers: IncomingMessage['headers'] }> {
  const [, answer] = await once(socket, 'unexpected-response');
  let body = '';
  for await (const chunk of answer) body += chunk;
  return { status: answer.statusCode ?? 0, body, headers: answer.headers };
}

test.each(NAMES)(
  '%s: text, bytes, protocol, headers and the end go through in both directions',
  async (way) => {
    const over = Promise.withResolvers<[number, string]>();
    const seen = Promise.withResolvers<IncomingMessage>();
    handle = (socket, request) => {
      echo(socket, request);
      seen.resolve(request);
      socket.on('close', (code, reason) => over.resolve([code, String(reason)]));
    };
    const client = await WAYS[way]('/v1/realtime?model=gpt-4o', ['other', 'realtime'], {
      headers: { authorization: 'Bearer any' },
    });
    const [[answer]] = await Promise.all([once(client, 'upgrade'), once(client, 'open')]);
    expect(client.protocol).toBe('realtime');
    expect(answer.headers['set-cookie']).toEqual(['seen=1']);
    expect((await seen.promise).headers).toMatchObject({ authorization: 'Bearer any' });
    client.send('Grüße');
    expect(await once(client, 'message')).toEqual([Buffer.from('Grüße'), false]);
    const bytes = randomBytes(300_000);
    client.send(bytes);
    const [back, binary] = await once(client, 'message');
    expect([bytes.equals(back), binary]).toEqual([true, true]);
    client.ping('there?');
    expect(String((await once(client, 'pong'))[0])).toBe('there?');
    client.close(4001, 'enough');
    expect(await over.promise).toEqual([4001, 'enough']);
    expect(await world.recorded('network.request')).toMatchObject({
      data: { status: 101, streamed: true, inspected: true, bytesSent: 300_007, bytesReceived: 300_007 },
    });
  },
);

test('compression is not agreed on with either side, so that messages can be read', async () => {
  const seen = Promise.withResolvers<IncomingMessage>();
  handle = (_socket, request) => seen.resolve(request);
  const client = await WAYS['wss in a tunnel']('/', [], { perMessageDeflate: true });
  await once(client, 'open');
  expect(client.extensions).toBe('');
  expect((await seen.promise).headers['sec-websocket-extensions']).toBeUndefined();
  client.terminate();
});

test.each(NAMES)('%s: a denial is an answer to the handshake, and the server sees nothing', async (way) => {
  const rules =
    '[{ id: no-sockets, effect: deny, destinations: [socket.example, api.openai.com], reason: No. }]';
  world.enforce(`rules: ${rules}`);
  handle = () => expect.unreachable();
  const { status, body, headers } = await refused(await WAYS[way]('/v1/realtime'));
  expect([status, headers['x-raypher']]).toEqual([403, 'denied']);
  expect(body).toContain('no-sockets');
});

test('a rule about a model holds for the one in the address, and for one that is named later', async () => {
  world.enforce('rules: [{ id: no-gpt, effect: deny, models: ["gpt-4*"] }]');
  const open = WAYS['a base URL'];
  expect((await refused(await open('/v1/realtime?model=gpt-4o-realtime'))).status).toBe(403);
  expect((await refused(await open('/v1/realtime'))).status).toBe(403);
  expect((await refused(await open('/v1/realtime?model=o3&model=gpt-4o'))).status).toBe(403);
  // There, messages name it, and what the address says is nobody's.
  expect((await refused(await open('/v1/responses?model=o3'))).status).toBe(403);
  const live = '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?model=o3';
  const azure = '/azure/acme/openai/realtime?api-version=1&Deployment=gpt-4o-realtime';
  for (const path of [
    `/gemini${live}`,
    azure,
    `${azure}&model=o3`,
    '/openai/v1/realtime?x=1;model=gpt-4o&model=o3',
  ]) {
    const socket = new WebSocket(`${world.url.replace('http', 'ws')}${path}`);
    expect([path, (await refused(socket)).status]).toEqual([path, 403]);
  }
  const client = await open('/v1/realtime?model=o3');
  await once(client, 'open');
  client.terminate();
});

test("the server's refusal reaches the client as it is", async () => {
  const { status, body, headers } = await refused(await WAYS['wss in a tunnel']('/closed'));
  expect([status, body, headers['x-why']]).toEqual([401, 'no key', 'no-key']);
});

test('what the server sends at once, with its answer, is not lost', async () => {
  handle = (socket) => {
    socket.send('first');
    socket.send('second');
  };
  const client = await WAYS['wss in a tunnel']('/');
  const messages: string[] = [];
  client.on('message', (data) => messages.push(String(data)));
  await expect.poll(() => messages).toEqual(['first', 'second']);
  client.terminate();
});

test('a side that reads slowly holds the other one up, not the memory', async () => {
  const sent = { messages: 0 };
  handle = async (socket) => {
    const message = Buffer.alloc(256 * 1024);
    while (socket.readyState === socket.OPEN && sent.messages < 400) {
      await new Promise((resolve) => socket.send(message, resolve));
      sent.messages += 1;
    }
  };
  const client = await WAYS['wss in a tunnel']('/');
  let received = 0;
  client.on('message', () => {
    received += 1;
  });
  await once(client, 'open');
  client.pause();
  let before = -1;
  await expect
    .poll(
      () => {
        const stalled = sent.messages === before;
        before = sent.messages;
        return stalled && before > 0;
      },
      { interval: 200, timeout: 10_000 },
    )
    .toBe(true);
  // Buffers of the kernel and ours: far less than the 100 MiB that the server has to send.
  expect(sent.messages).toBeLessThan(200);
  client.resume();
  await expect.poll(() => received, { timeout: 40_000 }).toBe(400);
  client.terminate();
}, 60_000);

test('when one side breaks off, so does the other', async () => {
  const opened = Promise.withResolvers<WebSocket>();
  handle = (socket) => opened.resolve(socket);
  const one = await WAYS['wss in a tunnel']('/');
  await once(one, 'open');
  (await opened.promise).terminate();
  expect((await once(one, 'close'))[0]).toBe(1006);
  const again = Promise.withResolvers<WebSocket>();
  handle = (socket) => again.resolve(socket);
  const other = await WAYS['wss in a tunnel']('/');
  await once(other, 'open');
  const closing = once(await again.promise, 'close');
  other.terminate();
  expect((await closing)[0]).toBe(1006);
});

test('a page of another site cannot open one through the browser', async () => {
  const client = await WAYS['a base URL']('/v1/realtime', [], { origin: 'https://evil.example' });
  expect((await refused(client)).status).toBe(400);
});

test('an absolute URL of a configured proxy is a way too; other upgrades stay ordinary requests', async () => {
  const headers = {
    host: 'socket.example',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
  };
  const ask = (path: string, more: Record<string, string>) => {
    const asked = httpRequest({
      host: '127.0.0.1',
      port: world.proxy.port,
      path: `http://socket.example${path}`,
      headers: { ...headers, ...more },
      agent: false,
    });
    asked.end();
    return asked;
  };
  const [answer, socket] = await once(ask('/', { upgrade: 'websocket' }), 'upgrade');
  expect(answer.statusCode).toBe(101);
  socket.destroy();
  const [plain]: IncomingMessage[] = await once(ask('/hello', { upgrade: 'h2c' }), 'response');
  expect(plain?.statusCode).toBe(200);
  plain?.resume();
  for (const wrong of [{ 'sec-websocket-version': '8' }, { 'sec-websocket-key': 'short' }]) {
    const [bad]: IncomingMessage[] = await once(ask('/', { upgrade: 'websocket', ...wrong }), 'response');
    expect(bad?.statusCode).toBe(400);
    bad?.resume();
  }
});

test('a connection that a person cuts ends for both', async () => {
  const client = await WAYS['wss in a tunnel']('/');
  await once(client, 'open');
  const [live] = world.engines.connections.list();
  expect(live).toMatchObject({ kind: 'websocket', host: 'socket.example' });
  world.engines.connections.cut(live?.id ?? '', 'ada');
  expect((await once(client, 'close'))[0]).toBe(1008);
  expect(await world.recorded('network.request')).toMatchObject({ data: { brokenOff: 'person' } });
});

test('a client that hangs up before the server has shown who it is leaves nothing open', async () => {
  const reached = once(silent, 'connection');
  const secure = await world.secure('silent.example:443');
  const client = new WebSocket('ws://silent.example/v1/realtime', { createConnection: () => secure });
  client.on('error', () => {});
  const [upstream]: Socket[] = await reached;
  const closed = once(upstream?.resume() ?? silent, 'close');
  client.terminate();
  await closed;
  expect(await world.recorded('network.request')).toMatchObject({ data: { status: 499 } });
});
