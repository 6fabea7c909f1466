import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWebServer, type WebServer } from './serve.ts';

/** Stands where the API is and tells what reached it. */
const api = createServer((incoming, response) => {
  response.setHeader('set-cookie', 'session=1; HttpOnly');
  response.end(JSON.stringify({ url: incoming.url, headers: incoming.headers }));
});
api.on('upgrade', (incoming, socket) => {
  if (incoming.url === '/v1/refused') {
    socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno');
    return;
  }
  socket.end(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${incoming.url}`,
  );
});
let pageRequest: IncomingMessage | undefined;
let web: WebServer;

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has an address object.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function serve(apiOrigin: string, changes: { https?: boolean; trustForwarded?: boolean } = {}): WebServer {
  return createWebServer({
    apiOrigin,
    https: changes.https ?? false,
    trustForwarded: changes.trustForwarded ?? false,
    development: false,
    pages: async (incoming, response) => {
      pageRequest = incoming;
      response.end('page');
    },
  });
}

let apiOrigin: string;
let origin: string;
beforeAll(async () => {
  apiOrigin = await listen(api);
  web = serve(apiOrigin);
  origin = await listen(web.server);
});
afterAll(async () => {
  await web.stop();
  api.close();
  api.closeAllConnections();
});

describe('the one origin of the browser', () => {
  it('passes API requests on, cookies and query included', async () => {
    const response = await fetch(`${origin}/v1/devices?limit=5`, { headers: { cookie: 'session=1' } });
    const seen = (await response.json()) as { url: string; headers: Record<string, string> };
    expect(seen).toMatchObject({ url: '/v1/devices?limit=5', headers: { cookie: 'session=1' } });
    expect(response.headers.get('set-cookie')).toContain('HttpOnly');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('tells the API the address it saw, not the one a caller claims', async () => {
    const response = await fetch(`${origin}/v1/me`, {
      headers: {
        'x-forwarded-for': '198.51.100.7',
        'x-real-ip': '198.51.100.7',
        'x-forwarded-host': 'evil.example',
      },
    });
    const { headers } = (await response.json()) as { headers: Record<string, string> };
    expect(headers['x-forwarded-for']).toMatch(/127\.0\.0\.1$/);
    expect(JSON.stringify(headers)).not.toMatch(/198\.51\.100\.7|evil\.example/);
  });

  it('keeps what a trusted balancer in front says', async () => {
    const trusting = serve(apiOrigin, { trustForwarded: true });
    const response = await fetch(`${await listen(trusting.server)}/v1/me`, {
      headers: { 'x-forwarded-for': '198.51.100.7' },
    });
    const { headers } = (await response.json()) as { headers: Record<string, string> };
    expect(headers['x-forwarded-for']).toContain('198.51.100.7');
    await trusting.stop();
  });

  it('never relays device enrolment', async () => {
    const response = await fetch(`${origin}/v1/enroll`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(404);
  });

  it('passes the live WebSocket on', async () => {
    const url = await new Promise<string>((resolve, reject) => {
      const outgoing = request(`${origin}/socket.io/?transport=websocket`, {
        headers: { connection: 'Upgrade', upgrade: 'websocket' },
      });
      outgoing.on('upgrade', (_response, socket, head) => {
        let text = head.toString();
        socket.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        socket.on('close', () => resolve(text));
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
    expect(url).toBe('/socket.io/?transport=websocket');
  });

  it('says that the control plane is down, and what goes on without it', async () => {
    const gone = createServer();
    const nobody = await listen(gone);
    await new Promise((resolve) => gone.close(resolve));
    const alone = serve(nobody);
    const response = await fetch(`${await listen(alone.server)}/v1/me`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      error: { code: 'service/not-running', hint: expect.stringContaining('keep enforcing') },
    });
    await alone.stop();
  });
});

describe('a page', () => {
  it('gets a policy of its own with every answer', async () => {
    const [first, second] = await Promise.all([fetch(`${origin}/`), fetch(`${origin}/`)]);
    const policies = [first, second].map((response) => response.headers.get('content-security-policy'));
    expect(policies[0]).toContain("script-src 'self' 'nonce-");
    expect(policies[0]).not.toBe(policies[1]);
  });

  it('is rendered with the nonce of its answer, whatever the browser sent', async () => {
    const response = await fetch(`${origin}/`, {
      headers: { 'content-security-policy': "script-src 'nonce-chosen'", 'x-raypher-target': '/evil' },
    });
    expect(pageRequest?.headers['content-security-policy']).toBe(
      response.headers.get('content-security-policy'),
    );
    expect(pageRequest?.headers['x-raypher-target']).toBe('/');
  });
});

describe('stopping', () => {
  it('ends a live connection that would otherwise keep the server waiting', async () => {
    // An API that accepts the upgrade and then says nothing, as a quiet WebSocket does.
    const quiet = createServer();
    const held = new Set<Duplex>();
    quiet.on('upgrade', (_incoming, socket) => {
      held.add(socket);
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
    const front = serve(await listen(quiet));
    const address = await listen(front.server);
    const ended = new Promise<void>((resolve, reject) => {
      const outgoing = request(`${address}/socket.io/`, {
        headers: { connection: 'Upgrade', upgrade: 'websocket' },
      });
      outgoing.on('upgrade', (_response, socket) => {
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        void front.stop();
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
    await ended;
    await front.stop();
    expect(front.server.listening).toBe(false);
    for (const socket of held) socket.destroy();
    quiet.close();
  });
});

describe('health', () => {
  it('answers without the API and without a page', async () => {
    const response = await fetch(`${origin}/healthz`);
    expect([response.status, await response.text()]).toEqual([200, 'ok\n']);
  });
});

describe('an upgrade that is refused', () => {
  const ask = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  /** A connection that is up. */
  async function open(): Promise<Socket> {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }
  const connections = () =>
    new Promise<number>((resolve) => web.server.getConnections((_, count) => resolve(count)));

  it('ends nothing but itself when it is reset', async () => {
    const before = await connections();
    for (let round = 0; round < 50; round += 1) {
      const socket = await open();
      socket.write(ask(round % 2 === 0 ? '/nowhere' : '/v1/live'), () => socket.resetAndDestroy());
      await once(socket, 'close');
    }
    await expect.poll(connections).toBeLessThanOrEqual(before);
    expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  });

  it.each([
    ['/nowhere', '404'],
    ['/v1/refused', '401'],
  ])('of %s is closed once it was read, whatever came behind it', async (path, status) => {
    const before = await connections();
    for (let round = 0; round < 5; round += 1) {
      const socket = await open();
      socket.write(`${ask(path)}${'more'.repeat(10_000)}`);
      const [answer] = await once(socket, 'data');
      expect(String(answer)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      socket.end('and more');
    }
    await expect.poll(connections).toBeLessThanOrEqual(before);
  });
});
