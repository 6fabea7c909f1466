import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { type EndingKind, type LinkEnding, openLink } from '@raypher/link-client';
import { Hello, LINK_TRANSPORTS, type LinkTransport } from '@raypher/shared';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ConnectProxy } from '../testing/connect-proxy.ts';
import { TestAuthority } from '../testing/test-authority.ts';

/** What is at the other end; gives the port. */
type Place = () => Promise<{ port: number; proxy?: URL }>;

let ours: TestAuthority;
let theirs: TestAuthority;
let open: (() => void)[] = [];

beforeAll(async () => {
  [ours, theirs] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
});

afterEach(() => {
  for (const close of open) close();
  open = [];
});

async function listening(server: Server): Promise<{ port: number }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  // It listens on TCP.
  return { port: (server.address() as AddressInfo).port };
}

async function https(authority: TestAuthority, protocol: string, status: number, body: string) {
  const { certificate: cert, key } = await authority.issueServer();
  const server = createHttpsServer({ cert, key, ALPNProtocols: [protocol] }, (request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  server.on('upgrade', (_request, socket) => {
    const head = `HTTP/1.1 ${status} No\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
    socket.end(head + body);
  });
  return listening(server);
}

async function proxied(change: (proxy: ConnectProxy) => void): Promise<{ port: number; proxy: URL }> {
  const { port } = await https(ours, 'http/1.1', 200, '');
  const proxy = await ConnectProxy.start();
  change(proxy);
  open.push(() => void proxy.stop());
  return { port, proxy: proxy.url };
}

const PAUSED = JSON.stringify({ error: { code: 'device/paused', message: 'This device was paused.' } });

const PLACES: Record<string, { place: Place; says: Record<LinkTransport, EndingKind> }> = {
  'nobody listens': {
    place: async () => {
      const { port } = await listening(createServer());
      open.pop()?.();
      return { port };
    },
    says: { grpc: 'away', websocket: 'away', 'long-poll': 'away' },
  },
  'connections are reset': {
    place: () => listening(createServer((socket) => socket.resetAndDestroy())),
    says: { grpc: 'blocked', websocket: 'blocked', 'long-poll': 'blocked' },
  },
  'connections are reset once they speak': {
    place: () => listening(createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))),
    says: { grpc: 'blocked', websocket: 'blocked', 'long-poll': 'blocked' },
  },
  'a hello is answered in plain HTTP': {
    place: () =>
      listening(
        createServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))),
      ),
    says: { grpc: 'blocked', websocket: 'blocked', 'long-poll': 'blocked' },
  },
  'TLS takes HTTP/1.1 alone, and somebody answers 426': {
    place: () => https(ours, 'http/1.1', 426, ''),
    says: { grpc: 'blocked', websocket: 'blocked', 'long-poll': 'blocked' },
  },
  'TLS takes HTTP/1.1 alone, and the control plane refuses': {
    place: () => https(ours, 'http/1.1', 403, PAUSED),
    says: { grpc: 'blocked', websocket: 'refused', 'long-poll': 'refused' },
  },
  'the certificate leads to another root': {
    place: () => https(theirs, 'http/1.1', 200, ''),
    // Without h2 gRPC comes no further than that; with it, it is refused: see the next.
    says: { grpc: 'blocked', websocket: 'refused', 'long-poll': 'refused' },
  },
  'the certificate leads to another root, and TLS takes h2': {
    place: () => https(theirs, 'h2', 200, ''),
    says: { grpc: 'refused', websocket: 'blocked', 'long-poll': 'blocked' },
  },
  'the proxy resets HTTP/2': {
    place: () => proxied((proxy) => proxy.blocks.add('h2')),
    // The server behind it is an empty one, which is neither a WebSocket nor a session.
    says: { grpc: 'blocked', websocket: 'blocked', 'long-poll': 'blocked' },
  },
  'the proxy wants to be signed in to': {
    place: () =>
      proxied((proxy) => {
        proxy.refuses = 407;
      }),
    says: { grpc: 'blocked', websocket: 'refused', 'long-poll': 'refused' },
  },
  'the proxy cannot reach it': {
    place: () =>
      proxied((proxy) => {
        proxy.refuses = 502;
      }),
    says: { grpc: 'blocked', websocket: 'away', 'long-poll': 'away' },
  },
  'the proxy is not there': {
    place: async () => {
      const { port } = await listening(createHttpServer());
      open.pop()?.();
      return { port: 1, proxy: new URL(`http://127.0.0.1:${port}`) };
    },
    says: { grpc: 'blocked', websocket: 'away', 'long-poll': 'away' },
  },
};

function ending(transport: LinkTransport, at: { port: number; proxy?: URL }): Promise<LinkEnding> {
  const { promise, resolve } = Promise.withResolvers<LinkEnding>();
  const tls: SecureContextOptions = { ca: ours.rootPem, minVersion: 'TLSv1.3' };
  const line = openLink(
    transport,
    { host: '127.0.0.1', tls, ...at },
    { message: () => undefined, ended: resolve },
  );
  line.write({ body: { $case: 'hello', value: Hello.fromPartial({}) } });
  open.push(() => line.close());
  return promise;
}

describe.each(Object.entries(PLACES))('where %s', (_where, { place, says }) => {
  test.each(LINK_TRANSPORTS)('%s ends with what it means', async (transport) => {
    const { kind, reason } = await ending(transport, await place());
    expect({ kind, reason }).toEqual({ kind: says[transport], reason: expect.stringMatching(/./) });
  });
});
