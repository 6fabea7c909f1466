import type { Socket } from 'node:net';
import type { Caller } from './caller.ts';
import type { Destination } from './destination.ts';

/**
 * What the connection says about a request that was read inside a tunnel: where it goes and who makes it were settled
 * before the first request, and its request line is only a path.
 */
export interface Reached {
  destination: Destination;
  caller: Caller;
  /** The client's own TCP connection; what the request came over is TLS, or one stream of many, inside it. */
  client: Socket;
}
