import type { Server, ServerOptions } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { NextFunction, Request, Response } from 'express';

/** Of a JSON body; policies are the largest thing anybody posts. */
export const MAX_BODY = '2mb';

/** For `createServer`: how often connections are held against the limits below. */
export const SERVER_OPTIONS: ServerOptions = { maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 5_000 };

/**
 * Bounds what a slow or greedy client may take: one that dribbles its headers or body (slowloris)
 * loses the connection, and all clients together may hold only so many.
 */
export function applyLimits(server: Server | TlsServer, maxConnections: number): void {
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.keepAliveTimeout = 30_000;
  server.maxHeadersCount = 100;
  server.maxRequestsPerSocket = 10_000;
  server.maxConnections = maxConnections;
}

/** Requests of one connection that may wait for their answers. Browsers and programs send one at a time. */
const MOST_AT_ONCE = 4;

/**
 * Ends a connection over which more is asked before the first answers are read: a thousand requests fit into one packet
 * or two, and each may open a file, and hold memory until it is somebody's turn to be answered.
 */
export function limitPipelining() {
  const unanswered = new WeakMap<Socket, number>();
  return ({ socket }: Request, response: Response, next: NextFunction): void => {
    const count = (unanswered.get(socket) ?? 0) + 1;
    unanswered.set(socket, count);
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    if (count <= MOST_AT_ONCE && !socket.destroyed) next();
    else socket.destroy();
  };
}
