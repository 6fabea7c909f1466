import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { ownerOfPath } from './api-paths.ts';
import { createApiProxy, refuseUpgrade } from './api-proxy.ts';
import { contentSecurityPolicy, createNonce, securityHeaders } from './security-headers.ts';

/** How long a browser has to take its last bytes and close, milliseconds. */
const LINGER_MS = 5_000;

export interface ServeOptions {
  apiOrigin: string;
  /** True when browsers reach this server over https (a balancer ends TLS). */
  https: boolean;
  trustForwarded: boolean;
  development: boolean;
  /** Renders pages and serves static files. */
  pages: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  pageUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => Promise<void>;
}

export interface WebServer {
  server: Server;
  /** Ends everything at once, open live connections included: browsers come back by themselves. */
  stop(): Promise<void>;
}

/** The one server the browser talks to: pages, static files and, passed on, the API and its WebSocket. */
export function createWebServer(options: ServeOptions): WebServer {
  // An upgraded socket no longer belongs to the server, which would wait for it for ever.
  const upgraded = new Set<Socket>();
  const proxy = createApiProxy(options.apiOrigin, { trustForwarded: options.trustForwarded });
  const fixed = Object.entries(securityHeaders({ https: options.https }));

  const server = createServer((request, response) => {
    for (const [name, value] of fixed) response.setHeader(name, value);
    const target = request.url ?? '/';
    if (target === '/healthz') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
      return;
    }
    switch (ownerOfPath(target)) {
      case 'api':
        proxy.web(request, response);
        return;
      case 'refused':
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({ error: { code: 'request/not-found', message: 'Nothing lives here.' } }),
        );
        return;
      case 'page': {
        const policy = contentSecurityPolicy(createNonce(), { development: options.development });
        // Next reads the nonce for its own scripts from this request header; a browser cannot supply one.
        request.headers['content-security-policy'] = policy;
        // The layout sends people without a session here after they signed in.
        request.headers['x-raypher-target'] = target;
        response.setHeader('content-security-policy', policy);
        options.pages(request, response).catch((error: unknown) => {
          console.error('a page failed to render', error);
          if (!response.headersSent) response.writeHead(500);
          response.end();
        });
      }
    }
  });

  server.on('upgrade', (request, stream, head) => {
    // node:http hands over the connection's own socket here; the declared type is the wider Duplex.
    if (!(stream instanceof Socket)) {
      stream.destroy();
      return;
    }
    // node:http has let go of it: an error that nobody listens to would end the dashboard for everybody.
    stream.on('error', () => stream.destroy());
    // Nobody reads on once it was refused or its other end is gone: unread, it would never close.
    stream.once('finish', () => stream.setTimeout(LINGER_MS, () => stream.destroy()).resume());
    upgraded.add(stream);
    stream.once('close', () => upgraded.delete(stream));
    if (ownerOfPath(request.url ?? '/') === 'api') proxy.upgrade(request, stream, head);
    else if (options.pageUpgrade !== undefined) void options.pageUpgrade(request, stream, head);
    else refuseUpgrade(stream);
  });
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
    proxy.close();
    await closed;
  };
  return { server, stop };
}
