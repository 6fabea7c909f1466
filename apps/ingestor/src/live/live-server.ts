import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { LiveMessages, LiveRequests } from '@raypher/shared/rest';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import type { Redis } from 'ioredis';
import { type DefaultEventsMap, type Namespace, Server, type Socket } from 'socket.io';
import type { Principal } from '../auth/principal.ts';

/** What the server knows of one socket. */
export interface LiveSocketData {
  principal: Principal;
}

export type LiveNamespace = Namespace<LiveRequests, LiveMessages, DefaultEventsMap, LiveSocketData>;
export type LiveSocket = Socket<LiveRequests, LiveMessages, DefaultEventsMap, LiveSocketData>;

/** The namespace of the console. */
const NAMESPACE = '/live';

/**
 * The socket.io server on the HTTP server of the REST API.
 *
 * @param redis a connection of its own, with an offline queue: the adapter would spin on one without.
 */
export function openLiveServer(http: HttpServer, redis: Redis): { server: Server; live: LiveNamespace } {
  const server = new Server(http, {
    serveClient: false,
    // A browser says which device it watches, nothing else.
    maxHttpBufferSize: 16 * 1024,
    perMessageDeflate: false,
    connectTimeout: 10_000,
    // Done below: it would leave such a connection for a second without a listener for errors, and a reset one ends us.
    destroyUpgrade: false,
    adapter: createAdapter(redis, {
      streamName: 'raypher:socket.io',
      channelPrefix: 'raypher:socket.io',
      maxLen: 1_000,
      blockTimeInMs: 1_000,
    }),
  });
  http.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined);
    if (request.url?.startsWith(`${server.path()}/`) !== true) socket.destroy();
  });
  // Nobody connects outside the namespace that authenticates.
  server.of('/').use((_socket, next) => next(new Error('Connect to /live.')));
  return { server, live: server.of(NAMESPACE) };
}
