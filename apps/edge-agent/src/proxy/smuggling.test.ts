import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TestProxy } from '../testing/test-proxy.ts';

interface SmugglingCases {
  refused: { name: string; lines: string[]; body: string }[];
  one: { name: string; lines: string[]; body: string }[];
}
const cases: SmugglingCases = JSON.parse(
  readFileSync(new URL('../../cases/smuggling.json', import.meta.url), 'utf8'),
);

const TARGET = 'http://gateway.example/visible';
const HIDDEN = 'GET http://gateway.example/hidden HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

let world: TestProxy;
/** An upstream that is not kind: it keeps every byte, and answers with whatever a test says. */
let received = '';
let answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const sockets = new Set<Socket>();
const upstream = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1');
    if (received.includes('\r\n\r\n')) socket.write(answer);
  });
});

beforeAll(async () => {
  world = await TestProxy.start();
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const address = upstream.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  world.proxy.redirect({ 'gateway.example': `http://127.0.0.1:${port}` });
});
afterEach(() => {
  world.reset();
  received = '';
  answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});
afterAll(async () => {
  await world.stop();
  upstream.close();
});

function written({ lines, body }: { lines: string[]; body: string }): string {
  return `${lines.join('\r\n')}\r\n\r\n${body}`
    .replace('{target}', TARGET)
    .replace('{hexlength}', HIDDEN.length.toString(16))
    .replace('{length}', String(HIDDEN.length))
    .replace('{hidden}', HIDDEN);
}

/** Sends bytes and gives back what comes until `wanted` came or the connection ended. */
async function exchange(bytes: string, wanted = /$^/): Promise<string> {
  const socket = connect(world.proxy.port, '127.0.0.1');
  socket.write(bytes, 'latin1');
  let text = '';
  try {
    for await (const chunk of socket) {
      text += chunk.toString('latin1');
      if (wanted.test(text)) break;
    }
  } finally {
    socket.destroy();
  }
  return text;
}

describe('a request that can be read in two ways', () => {
  test.each(cases.refused)('is refused and what is behind it dropped: $name', async (one) => {
    const text = await exchange(written(one));
    expect(text).toMatch(/^HTTP\/1\.1 (400|413|431|501|505) /);
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(received).toBe('');
  });
});

describe('a request that can be read in one way', () => {
  test.each(cases.one)('stays one request: $name', async (one) => {
    const text = await exchange(written(one), /ok$/);
    expect(text).toMatch(/HTTP\/1\.1 200 /);
    const [head = '', ...bodies] = received.split('\r\n\r\n');
    expect(head).toMatch(/^POST \/visible HTTP\/1\.1\r\n/);
    expect(head.match(/^(content-length|transfer-encoding): /gim)).toHaveLength(1);
    expect(head).toMatch(/^host: gateway\.example\r?$/im);
    expect(head).not.toMatch(/^(upgrade|http2-settings|expect|trailer|x-late|te): /im);
    // The hidden request is there, as the body that it was.
    expect(bodies.join('\r\n\r\n')).toContain('GET http://gateway.example/hidden');
  });

  test('two that follow each other are two, each decided for itself', async () => {
    world.enforce('rules: [{ id: no, effect: deny, when: { http.path: { eq: /hidden } } }]');
    const first = `POST ${TARGET} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`;
    const text = await exchange(first + HIDDEN);
    expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 403 /);
    expect(received).not.toContain('/hidden');
  });
});

test('a hop is taken off a request that counts them', async () => {
  const text = await exchange(`OPTIONS ${TARGET} HTTP/1.1\r\nHost: x\r\nMax-Forwards: 3\r\n\r\n`, /ok$/);
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
  expect(received).toMatch(/^max-forwards: 2\r$/im);
});

test.each([
  ['too many', Array.from({ length: 3000 }, (_, n) => `a${n}: b`).join('\r\n'), 400],
  ['too long', `x: ${'y'.repeat(40_000)}`, 431],
])('headers that are %s are refused', async (_what, lines, status) => {
  const text = await exchange(`GET ${TARGET} HTTP/1.1\r\nHost: x\r\n${lines}\r\n\r\n${HIDDEN}`);
  expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(received).toBe('');
});

test.each([
  [
    'an interim answer',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    200,
  ],
  [
    'an answer that goes over to another protocol',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nraw',
    502,
  ],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nokHTT', 502],
  ['a header that is none', 'HTTP/1.1 200 OK\r\nX-A: b\u0000c\r\nContent-Length: 2\r\n\r\nok', 502],
])('an upstream with %s does not confuse the client', async (_what, text, status) => {
  answer = text;
  const got = await exchange(`GET ${TARGET} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(got).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(got.match(/HTTP\/1\.1 /g)).toHaveLength(1);
});

test('a second answer that nobody asked for is given to nobody', async () => {
  const smuggled = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled';
  answer = `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${smuggled}`;
  const request = `GET ${TARGET} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
  expect(await exchange(request)).toMatch(/ok$/);
  answer = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext';
  received = '';
  expect(await exchange(request)).not.toContain('smuggled');
});
