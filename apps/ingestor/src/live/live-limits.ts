import { RaypherError } from '@raypher/shared';
import type { Server } from 'socket.io';
import { AttemptLimiter } from '../enrollment/attempt-limiter.ts';
import type { LiveNamespace, LiveSocket } from './live-server.ts';
import { personRoom } from './rooms.ts';

/** Live connections of one person, or of one API token, to this process: many tabs, and no more. */
export const MOST_SOCKETS = 64;

/**
 * What may be said, in messages: a page that opens says two or three, and nobody clicks faster. The first limit holds for
 * everything that comes over one connection, also before it is known who is there: each attempt to open `/live` asks the
 * database. The second one holds for a person, however many connections there are.
 */
const OF_A_CONNECTION = { burst: 100, perSecond: 20 };
const OF_A_PERSON = { burst: 100, perSecond: 20 };

/** What may wait for a browser to read it, in all and in messages; beyond that it is not reading. */
const MOST_UNREAD_BYTES = 8 * 1024 * 1024;
const MOST_UNREAD = 1_000;

/** Ends connections over which more is said than anybody clicks, and those over which nothing is read. */
export function limitLive(server: Server, live: LiveNamespace): void {
  const connections = new AttemptLimiter(OF_A_CONNECTION);
  const people = new AttemptLimiter(OF_A_PERSON);
  server.engine.on('connection', (connection) => {
    connection.on('packet', () => {
      const excess = spend(connections, connection.id);
      if (excess === undefined) return;
      for (const socket of live.sockets.values()) if (socket.conn === connection) tell(socket, excess);
      // What was sent goes out, nothing is read any more.
      connection.close();
    });
    // Whether it reads is not known from its answers to pings, which it may give unasked.
    connection.on('packetCreate', () => {
      const { writeBuffer } = connection;
      if (writeBuffer.length <= MOST_UNREAD && unreadBytes(writeBuffer) <= MOST_UNREAD_BYTES) return;
      // Without what waits; it comes back and asks anew.
      connection.close(true);
    });
  });
  live.on('connection', (socket) => {
    socket.use((_message, next) => {
      const excess = spend(people, personRoom(socket.data.principal));
      if (excess === undefined) {
        next();
        return;
      }
      tell(socket, excess);
      socket.disconnect(true);
    });
  });
}

/** @throws RaypherError `request/rate-limited` for somebody who has too many live connections already. */
export function requireRoomFor(socket: LiveSocket): void {
  const open = socket.nsp.adapter.rooms.get(personRoom(socket.data.principal))?.size ?? 0;
  if (open < MOST_SOCKETS) return;
  throw new RaypherError('request/rate-limited', 'Too many live connections are open for you.', {
    hint: 'Close tabs of the console, or programs that use the same API token.',
  });
}

function unreadBytes(packets: readonly { data?: unknown }[]): number {
  return packets.reduce(
    (sum, { data }) =>
      sum + (typeof data === 'string' ? data.length : Buffer.isBuffer(data) ? data.byteLength : 0),
    0,
  );
}

function spend(limiter: AttemptLimiter, name: string): RaypherError | undefined {
  try {
    limiter.check(name);
  } catch (error) {
    if (error instanceof RaypherError) return error;
    throw error;
  }
  limiter.spend(name);
  return undefined;
}

function tell(socket: LiveSocket, excess: RaypherError): void {
  socket.emit('refused', excess.toBody().error);
}
