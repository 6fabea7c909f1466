import type { IncomingMessage } from 'node:http';
import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request that wants to become a WebSocket (RFC 6455 §4.1), and the connection it came over. */
export interface Upgrade {
  socket: Socket;
  /** What was read behind the request. */
  head: Buffer;
}

/** Every other upgrade (h2c, for one) is an offer, which a server may leave unanswered (RFC 9110 §7.8). */
export function wantsWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/** A response for a request that the server gave out of its hands: what refuses a request refuses it too. */
export function responseFor(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    socket.end();
    // Behind bytes that nobody reads its end would not be seen, and the connection never be closed.
    socket.resume();
  });
  return response;
}
