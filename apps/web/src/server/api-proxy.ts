import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent } from 'node:http';
import { Socket } from 'node:net';
import { createProxyServer } from 'httpxy';

/** What a caller could claim about itself through a header; only this server's own view is passed on. */
const CLAIMS = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
];

export interface ApiProxy {
  web(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void;
  close(): void;
}

/**
 * Passes requests to the API, so that the browser knows one origin only: cookies stay SameSite,
 * `connect-src 'self'` holds and no CORS exists.
 *
 * @param origin scheme, host and port of the API, for example `http://127.0.0.1:4010`
 * @param trustForwarded keep `x-forwarded-*` of a balancer in front
 */
export function createApiProxy(origin: string, { trustForwarded = false } = {}): ApiProxy {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const proxy = createProxyServer({ target: origin, agent, xfwd: true, ws: true, proxyTimeout: 60_000 });
  proxy.on('error', (_error, _request, response) => answerUnreachable(response));

  const prepare = (request: IncomingMessage): void => {
    if (trustForwarded) return;
    for (const name of CLAIMS) delete request.headers[name];
  };
  return {
    web(request, response) {
      prepare(request);
      void proxy.web(request, response).catch(() => answerUnreachable(response));
    },
    upgrade(request, socket, head) {
      prepare(request);
      void proxy.ws(request, socket, { target: origin }, head).catch(() => socket.destroy());
    },
    close: () => agent.destroy(),
  };
}

function answerUnreachable(response: ServerResponse | Socket | undefined): void {
  if (response === undefined) return;
  if (response instanceof Socket) {
    response.destroy();
    return;
  }
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(503, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(
    JSON.stringify({
      error: {
        code: 'service/not-running',
        message: 'The control plane does not answer.',
        hint: 'Devices keep enforcing their last policy. This page retries by itself.',
      },
    }),
  );
}

/** Ends an upgrade that nobody here speaks. */
export function refuseUpgrade(socket: Socket): void {
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}
