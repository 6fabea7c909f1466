import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { LINK_PATH, LINK_SUBPROTOCOL, MAX_FRAME_BYTES, RaypherError } from '@raypher/shared';
import { WebSocketServer } from 'ws';
import { asRaypherError } from '../errors/http-error.filter.ts';
import { provenCertificate } from './device-directory.service.ts';
import type { Line } from './line.ts';
import type { Peer } from './link-listener.ts';
import { LongPollSessions } from './long-poll-sessions.ts';
import { WebSocketLine } from './web-socket-line.ts';

const HEADERS_WITHIN_MS = 10_000;
/** For a request with its body; answers may take longer. */
const REQUEST_WITHIN_MS = 60_000;
/** A connection without a request is nobody's. */
const IDLE_MS = 30_000;
const LOOK_EVERY_MS = 5_000;
const MAX_HEADER_BYTES = 8 * 1024;

/** WebSocket and long polling, on connections that speak HTTP/1.1: for networks that carry no HTTP/2. */
export class HttpTransport {
  private readonly server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_WITHIN_MS,
    requestTimeout: REQUEST_WITHIN_MS,
    keepAliveTimeout: IDLE_MS,
    connectionsCheckingInterval: LOOK_EVERY_MS,
  });
  private readonly upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    // Answers to pings are given by WebSocketLine, which looks whether they are read.
    autoPong: false,
    handleProtocols: () => LINK_SUBPROTOCOL,
  });
  private readonly peers = new WeakMap<Duplex, Peer>();
  private readonly webSockets = new Set<WebSocketLine>();
  private readonly sessions: LongPollSessions;
  private isStopping = false;

  constructor(private readonly accept: (line: Line) => void) {
    this.sessions = new LongPollSessions(accept);
    this.server.on('request', (request, response) => void this.answer(request, response));
    this.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
    this.server.on('clientError', (_error, socket) => socket.destroy());
    // It never listens itself: with this it looks after the time limits of the connections that it is given.
    this.server.emit('listening');
  }

  take(socket: TLSSocket, peer: Peer): void {
    this.peers.set(socket, peer);
    socket.setNoDelay(true);
    this.server.emit('connection', socket);
  }

  /** Once a second. @param now milliseconds, monotonic */
  tick(now: number): void {
    for (const line of this.webSockets) line.tick(now);
    this.sessions.tick(now);
  }

  /** From now on connections end with their answers. */
  drain(): void {
    this.isStopping = true;
    this.server.closeIdleConnections();
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isStopping) response.setHeader('connection', 'close');
    response.setHeader('cache-control', 'no-store');
    try {
      await this.sessions.answer(request, response, this.proven(request));
    } catch (thrown) {
      const error = asRaypherError(thrown);
      if (response.headersSent || response.destroyed) return;
      // What it still wanted to send is not read.
      response.writeHead(error.httpStatus, { 'content-type': 'application/json', connection: 'close' });
      response.end(JSON.stringify(error.toBody()));
    }
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      const peer = this.proven(request);
      const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
      if (request.url !== LINK_PATH || !offered.includes(LINK_SUBPROTOCOL)) {
        throw new RaypherError(
          'request/not-found',
          `The link is the protocol ${LINK_SUBPROTOCOL} at ${LINK_PATH}.`,
        );
      }
      this.upgrader.handleUpgrade(request, socket, head, (webSocket) => {
        const { socket: tls } = peer;
        const line = new WebSocketLine(webSocket, tls, peer, `${tls.remoteAddress}:${tls.remotePort}`);
        this.webSockets.add(line);
        line.onClosed(() => this.webSockets.delete(line));
        this.accept(line);
      });
    } catch (thrown) {
      const error = asRaypherError(thrown);
      const body = JSON.stringify(error.toBody());
      socket.end(
        `HTTP/1.1 ${error.httpStatus} ${STATUS_CODES[error.httpStatus] ?? ''}\r\nconnection: close\r\n` +
          `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        // Nobody else looks after it any more, and the other end may leave its half open for ever.
        () => socket.destroy(),
      );
    }
  }

  /** @throws RaypherError `device/certificate-*` */
  private proven(request: IncomingMessage): Peer {
    const peer = this.peers.get(request.socket);
    if (peer === undefined) throw new RaypherError('link/unreachable', 'The connection is gone.');
    provenCertificate(peer);
    return peer;
  }
}
