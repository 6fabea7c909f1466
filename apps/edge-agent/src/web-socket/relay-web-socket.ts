import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { EventTooLongError } from '@raypher/dlp';
import { WebSocket, WebSocketServer } from 'ws';
import { CutByPerson } from '../connections/live-connections.ts';
import type { Route } from '../egress/reach.ts';
import { eachPiece } from '../proxy/each-piece.ts';
import { responseHeaders } from '../proxy/headers.ts';
import { AnswerBlocked } from '../proxy/inspect-answer.ts';
import type { ProxyContext } from '../proxy/proxy-context.ts';
import { recordAnswer, recordFound } from '../proxy/record-found.ts';
import { refuse } from '../proxy/refusal.ts';
import type { Outcome, Relayed } from '../proxy/relay.ts';
import { IncomingMessages } from './incoming-messages.ts';
import { joinWebSockets } from './join-web-sockets.ts';
import { OutgoingMessages } from './outgoing-messages.ts';
import type { Upgrade } from './upgrade.ts';

const HANDSHAKE_TIMEOUT_MS = 15_000;
/** 16 bytes in base64 (RFC 6455 §4.1). */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** Of this hop; the extensions (compression) are not offered on, so that messages can be read. */
const OWN_HEADERS = /^sec-websocket-(?:key|version|extensions|protocol)$/;

/**
 * Makes the handshake with the server, then with the client, and relays messages until either is gone. Answers the
 * client in every case.
 */
export async function relayWebSocket(
  context: ProxyContext,
  relayed: Relayed,
  { socket, head }: Upgrade,
): Promise<Outcome> {
  const { exchange, outgoing, route, connection } = relayed;
  const { request, response, destination, gone } = exchange;
  const signal = AbortSignal.any([gone, connection.cut]);
  const failed = (message: string, kind: 'bad-request' | 'unreachable'): Outcome => ({
    status: refuse(response, destination.dialect, kind, message),
    bytesReceived: 0,
    streamed: false,
  });
  if (!isHandshake(request)) return failed('The WebSocket handshake is not one of RFC 6455.', 'bad-request');
  const url = URL.parse(`ws://${destination.host}${outgoing.path}`);
  // The client library writes paths in their canonical form; rules were asked about what was written.
  if (url === null || `${url.pathname}${url.search}` !== outgoing.path) {
    return failed('The path is not in its canonical form.', 'bad-request');
  }
  let upstream: WebSocket | undefined;
  try {
    signal.throwIfAborted();
    const transport = await dialUpstream(context, route, signal);
    const offered = protocolsOf(request);
    upstream = new WebSocket(`ws://upstream.invalid${outgoing.path}`, offered, {
      createConnection: () => transport,
      headers: Object.fromEntries(
        Object.entries(outgoing.headers).filter(([name]) => !OWN_HEADERS.test(name)),
      ),
      perMessageDeflate: false,
      // What one side asks, the other answers.
      autoPong: false,
      maxPayload: context.bodyLimitBytes,
    });
    const opened = await opening(upstream, signal);
    if ('refused' in opened) {
      const { statusCode = 502, headers } = opened.refused;
      response.writeHead(statusCode, responseHeaders(headers));
      let bytesReceived = 0;
      // It has nothing to say any more but that it is gone.
      socket.once('end', () => socket.destroy()).resume();
      await eachPiece(addAbortSignal(signal, opened.refused), (chunk) => {
        bytesReceived += chunk.length;
        // Of a connection that was handed over, the response is not told.
        return response.write(chunk) ? undefined : once(socket, 'drain', { signal });
      });
      response.end();
      return { status: statusCode, bytesReceived, streamed: false };
    }
    response.detachSocket(socket);
    const client = await acceptClient({ request, socket, head, upstream, context, headers: opened.headers });
    const carried = await joinWebSockets(
      // That the client is gone shows in its end, together with why.
      {
        client,
        server: upstream,
        signal: connection.cut,
        state: connection.state,
        inspect: {
          out: new OutgoingMessages(context, exchange, ({ decision, ...found }) =>
            recordFound(context, exchange, connection, {
              direction: 'out',
              verdict: decision.verdict,
              ...found,
            }),
          ),
          in: new IncomingMessages(context, exchange, (inspector) =>
            recordAnswer(context, exchange, inspector, connection),
          ),
        },
        stopped: (why) => {
          if (!(why instanceof AnswerBlocked) && !(why instanceof EventTooLongError)) context.failed(why);
        },
      },
    );
    const why =
      connection.cut.reason instanceof CutByPerson ? 'person' : carried.blocked ? 'data' : undefined;
    return {
      status: 101,
      bytesReceived: carried.bytesIn,
      bytesSent: carried.bytesOut,
      streamed: true,
      ...(why === undefined ? {} : { brokenOff: why }),
    };
  } catch (error) {
    upstream?.terminate();
    if (gone.aborted) return { status: 499, bytesReceived: 0, streamed: false, brokenOff: 'client' };
    if (connection.cut.aborted) {
      const status = refuse(
        response,
        destination.dialect,
        'denied',
        'This call was ended by an administrator.',
      );
      return { status, bytesReceived: 0, streamed: false, brokenOff: 'person' };
    }
    const code =
      error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
    const why = code === '' ? 'the connection failed' : code;
    return {
      ...failed(`${destination.host} cannot be reached: ${why}.`, 'unreachable'),
      brokenOff: 'upstream',
    };
  }
}

function isHandshake({ headers }: IncomingMessage): boolean {
  return headers['sec-websocket-version'] === '13' && KEY.test(headers['sec-websocket-key'] ?? '');
}

function protocolsOf({ headers }: IncomingMessage): string[] {
  const offered = headers['sec-websocket-protocol'] ?? '';
  return offered === '' ? [] : [...new Set(offered.split(',').map((name) => name.trim()))];
}

/** A connection to an address that was decided about; for `https:` the certificate has to be for the logical host. */
async function dialUpstream(context: ProxyContext, route: Route, signal: AbortSignal): Promise<Socket> {
  const socket = await context.upstreams.dial(route);
  if (!route.origin.startsWith('https:')) return socket;
  const { host } = route;
  const secure = tlsConnect({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
  });
  const timeout = AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS);
  try {
    await once(secure, 'secureConnect', { signal: AbortSignal.any([signal, timeout]) });
    return secure;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

type Opened = { headers: IncomingMessage['headers'] } | { refused: IncomingMessage };

function opening(upstream: WebSocket, signal: AbortSignal): Promise<Opened> {
  const { promise, resolve, reject } = Promise.withResolvers<Opened>();
  let headers: IncomingMessage['headers'] = {};
  upstream.once('upgrade', (answer) => {
    headers = answer.headers;
  });
  upstream.once('open', () => {
    // Nothing may arrive before somebody takes it on.
    upstream.pause();
    resolve({ headers });
  });
  upstream.once('unexpected-response', (_request, answer) => resolve({ refused: answer }));
  upstream.on('error', reject);
  if (signal.aborted) reject(signal.reason);
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  // The library leaves the time to whoever makes connections, which these were made without.
  const timer = setTimeout(
    () => reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
    HANDSHAKE_TIMEOUT_MS,
  );
  return promise.finally(() => clearTimeout(timer));
}

function acceptClient(parts: {
  request: IncomingMessage;
  socket: Socket;
  head: Buffer;
  upstream: WebSocket;
  context: ProxyContext;
  headers: IncomingMessage['headers'];
}): Promise<WebSocket> {
  const { request, socket, head, upstream, context } = parts;
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false,
    maxPayload: context.bodyLimitBytes,
    // The server has chosen already; `false` is none.
    handleProtocols: () => (upstream.protocol === '' ? false : upstream.protocol),
  });
  server.on('headers', (lines) => {
    for (const [name, value] of Object.entries(responseHeaders(parts.headers))) {
      if (name.startsWith('sec-websocket-')) continue;
      for (const one of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${one}`);
    }
  });
  // Of one that closed meanwhile the library says nothing.
  if (socket.destroyed) reject(new Error('the client is gone'));
  socket.once('close', () => reject(new Error('the client is gone')));
  server.handleUpgrade(request, socket, head, resolve);
  return promise;
}
