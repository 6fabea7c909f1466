import type { Server, ServerOptions } from 'node:http';
import type { Server as TlsServer } from 'node:https';

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
