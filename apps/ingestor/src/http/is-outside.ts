import { TLSSocket } from 'node:tls';
import type { Request } from 'express';

/**
 * Whether a request came in through the TLS listener, which the world can reach. The connection itself decides:
 * what a proxy header says about it is believed from this machine, and anything may run here.
 */
export function isOutside(request: Pick<Request, 'socket'>): boolean {
  return request.socket instanceof TLSSocket;
}
