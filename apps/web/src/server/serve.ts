import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { ownerOfPath } from './api-paths.ts';
import { createApiProxy, refuseUpgrade } from './api-proxy.ts';
import { contentSecurityPolicy, createNonce, securityHeaders } from './security-headers.ts';

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

/** The one server the browser talks to: pages, static files and, passed on, the API and its WebSocket. */
export function createWebServer(options: ServeOptions) {
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
    if (ownerOfPath(request.url ?? '/') === 'api') proxy.upgrade(request, stream, head);
    else if (options.pageUpgrade !== undefined) void options.pageUpgrade(request, stream, head);
    else refuseUpgrade(stream);
  });
  server.on('close', () => proxy.close());
  return server;
}
