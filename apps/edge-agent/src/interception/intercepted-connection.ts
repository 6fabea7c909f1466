import type { Tunnel } from '../proxy/proxied-tunnel.ts';

/** A connection that is read: with whom the client believes to talk, and who it is. */
export interface InterceptedConnection extends Tunnel {
  protocol: 'http:' | 'https:';
  /** How many came over it so far. */
  requests: number;
}

/** Which sockets of the HTTP servers are the inside of an intercepted connection. */
export class Intercepted {
  /** By socket, and by HTTP/2 session. */
  readonly #connections = new WeakMap<object, InterceptedConnection>();

  add(inside: object, connection: InterceptedConnection): void {
    this.#connections.set(inside, connection);
  }

  has(inside: object): boolean {
    return this.#connections.has(inside);
  }

  of(inside: object): InterceptedConnection | undefined {
    return this.#connections.get(inside);
  }
}
