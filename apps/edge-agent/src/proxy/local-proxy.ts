import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { PriceBook } from '@raypher/cost';
import { RaypherError } from '@raypher/shared';
import type { Approvals } from '../approvals/approval.ts';
import type { Spending } from '../budgets/spending.ts';
import type { LiveConnections } from '../connections/live-connections.ts';
import { isGrpc, refuseGrpc } from '../interception/grpc.ts';
import { Http2Front } from '../interception/http2-front.ts';
import type { InterceptedConnection } from '../interception/intercepted-connection.ts';
import { Interception, type InterceptionOptions } from '../interception/interception.ts';
import { misdirectedEvent } from '../interception/misdirected-event.ts';
import { destinationWithin } from '../interception/request-within.ts';
import type { Names } from '../recogniser/names.ts';
import { responseFor, type Upgrade, wantsWebSocket } from '../web-socket/upgrade.ts';
import { type CallerRule, NOBODY_IS_ALLOWED } from './allowed-callers.ts';
import { type AuthoriseCaller, type IdentifyCaller, type ModelSeen, oncePerConnection } from './caller.ts';
import type { SealedKeys } from './credentials.ts';
import type { DataGuard } from './data-guard.ts';
import { forward } from './forward.ts';
import type { Tunnel } from './proxied-tunnel.ts';
import type { PolicyInForce, ProxyContext } from './proxy-context.ts';
import { takeRedirected } from './redirected-tunnel.ts';
import { refuse } from './refusal.ts';
import { Transcripts } from './transcript.ts';
import { tunnel } from './tunnel.ts';
import { refuseTunnel } from './uninspected-tunnel.ts';
import { Upstreams } from './upstreams.ts';

export interface LocalProxyOptions {
  /** 0: any free one. */
  port: number;
  bodyLimitBytes: number;
  /** Logical host (or `host:port`) to another address. */
  connectTo: Readonly<Record<string, string>>;
  /** DNS servers as `address` or `address:port`; without any, the resolver of the system. */
  dnsServers?: readonly string[] | undefined;
}

export interface LocalProxyParts {
  policy: PolicyInForce;
  data: DataGuard;
  names?: Names | undefined;
  prices: PriceBook;
  spending?: Spending | undefined;
  approvals?: Approvals | undefined;
  connections: LiveConnections;
  identify: IdentifyCaller;
  /** Without it, nobody is allowed. */
  authorise?: AuthoriseCaller;
  keys?: SealedKeys | undefined;
  /** Without it, any program may call, as itself. */
  callers?: () => CallerRule;
  record: ProxyContext['record'];
  modelSeen: ModelSeen;
  /** Without it, tunnels pass unread. */
  interception?: InterceptionOptions | undefined;
  /** A request that failed for a reason of our own. */
  failed: (error: unknown) => void;
}

const MAX_HEADER_BYTES = 32 * 1024;
const MAX_CONNECTIONS = 4096;
/** Requests of one connection that wait for their answers; Node.js would take on as many as a client writes. */
const MAX_UNANSWERED = 6;
/** What the parser says, as a status; everything else is a bad request. */
const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** The localhost proxy: base URL mode, absolute URLs and CONNECT on one port, IPv4 and IPv6. */
export class LocalProxy {
  readonly canaryPath = `/${randomUUID()}`;
  readonly #options: LocalProxyOptions;
  readonly #parts: LocalProxyParts;
  readonly #upstreams: Upstreams;
  readonly #sockets = new Set<Socket>();
  readonly #transcripts = new Transcripts();
  #servers: Server[] = [];
  #context: ProxyContext | undefined;
  #interception: Interception | undefined;
  #port = 0;

  constructor(options: LocalProxyOptions, parts: LocalProxyParts) {
    this.#options = options;
    this.#parts = parts;
    this.#upstreams = new Upstreams(options);
  }

  get port(): number {
    return this.#port;
  }

  /** Open connections of clients, tunnels included. */
  get connections(): number {
    return this.#sockets.size;
  }

  async start(): Promise<void> {
    const context: ProxyContext = {
      policy: this.#parts.policy,
      data: this.#parts.data,
      names: this.#parts.names,
      prices: this.#parts.prices,
      spending: this.#parts.spending,
      approvals: this.#parts.approvals,
      connections: this.#parts.connections,
      failed: this.#parts.failed,
      identify: oncePerConnection(this.#parts.identify),
      authorise: this.#parts.authorise ?? NOBODY_IS_ALLOWED,
      keys: this.#parts.keys,
      callers: this.#parts.callers ?? (() => 'any'),
      record: this.#parts.record,
      modelSeen: this.#parts.modelSeen,
      transcripts: this.#transcripts,
      upstreams: this.#upstreams,
      bodyLimitBytes: this.#options.bodyLimitBytes,
      canaryPath: this.canaryPath,
      ownPort: () => this.#port,
    };
    this.#context = context;
    this.#interception = this.#intercept(context);
    const ipv4 = this.#create(context);
    this.#port = await listen(ipv4, '127.0.0.1', this.#options.port);
    this.#servers = [ipv4];
    const ipv6 = this.#create(context);
    try {
      await listen(ipv6, '::1', this.#port);
      this.#servers.push(ipv6);
    } catch {
      // No IPv6 on this machine, or the port is taken there: IPv4 alone serves.
    }
  }

  /** Takes a connection that the kernel led here; it is dealt with like a tunnel that its client asked for. */
  take(tunnel: Tunnel): void {
    const context = this.#context;
    if (context === undefined || this.#servers.length === 0) {
      tunnel.client.destroy();
      return;
    }
    this.#track(tunnel.client);
    takeRedirected(tunnel, context, this.#interception).catch((error: unknown) => {
      tunnel.client.destroy();
      this.#parts.failed(error);
    });
  }

  /** Leads hosts to other addresses from now on. */
  redirect(connectTo: Readonly<Record<string, string>>): void {
    this.#upstreams.redirect(connectTo);
  }

  async stop(): Promise<void> {
    const closing = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closing);
    await this.#upstreams.close();
    this.#servers = [];
  }

  /** @param connection the intercepted one that the request came over, if any */
  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    context: ProxyContext,
    connection: InterceptedConnection | undefined,
    upgrade?: Upgrade,
  ): void {
    const answered =
      connection === undefined
        ? forward(request, response, context, undefined, upgrade)
        : forwardWithin(connection, { request, response, upgrade }, context);
    answered.catch((error: unknown) => {
      // Enforcement that cannot decide does not let through.
      refuse(response, 'generic', 'unavailable', 'Raypher could not decide about this request.');
      if (!request.destroyed) this.#parts.failed(error);
    });
  }

  #intercept(context: ProxyContext): Interception | undefined {
    const options = this.#parts.interception;
    if (options === undefined) return undefined;
    const http2 = new Http2Front(({ request, response, connection, goAway }) => {
      if (!isGrpc(request)) {
        this.#answer(request, response, context, connection);
        return;
      }
      refuseGrpc(response);
      goAway();
      void interception.reportFault(connection, { reason: 'grpc', detail: request.url ?? '' });
    });
    const interception: Interception = new Interception(options, {
      context,
      // The same server as for everybody: the same limits and timeouts.
      serveHttp1: (socket) => this.#servers[0]?.emit('connection', socket),
      serveHttp2: (socket, connection) => http2.serve(socket, connection),
    });
    return interception;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#transcripts.forget(socket);
    });
  }

  #create(context: ProxyContext): Server {
    const server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: 15_000,
      requestTimeout: 15 * 60_000,
      keepAliveTimeout: 60_000,
      insecureHTTPParser: false,
      requireHostHeader: true,
      noDelay: true,
      shouldUpgradeCallback: wantsWebSocket,
    });
    server.maxConnections = MAX_CONNECTIONS;
    // Node.js would leave out those beyond its limit without a word; too many are refused instead.
    server.maxHeadersCount = 0;
    server.on('connection', (socket: Socket) => {
      if (this.#interception?.isInside(socket) !== true) this.#track(socket);
    });
    const last = new WeakMap<object, ServerResponse>();
    const unanswered = new WeakMap<object, number>();
    server.on('request', (request, response) => {
      const { socket } = request;
      const waiting = unanswered.get(socket) ?? 0;
      if (waiting === MAX_UNANSWERED) {
        socket.destroy();
        return;
      }
      unanswered.set(socket, waiting + 1);
      response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
      last.set(socket, response);
      this.#answer(request, response, context, this.#interception?.connectionOf(request));
    });
    server.on('upgrade', (request, duplex, head) => {
      // node:http hands over the net.Socket it accepted; its type leaves other transports open.
      const socket = duplex as Socket;
      socket.on('error', () => socket.destroy());
      const connection = this.#interception?.connectionOf(request);
      afterAnswer(last.get(socket), () =>
        this.#answer(request, responseFor(request, socket), context, connection, { socket, head }),
      );
    });
    server.on('connect', (request, socket, head) => {
      // As above.
      const client = socket as Socket;
      // Until both ends are joined, an error only means that the client has gone.
      client.on('error', () => client.destroy());
      afterAnswer(last.get(client), () => {
        if (this.#interception?.isInside(client) === true) {
          refuseTunnel(client)('bad-request', 'There are no tunnels inside of tunnels.');
          return;
        }
        tunnel(request, client, head, context, this.#interception).catch((error: unknown) => {
          refuseTunnel(client)('unavailable', 'Raypher could not decide about this connection.');
          this.#parts.failed(error);
        });
      });
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      const answer = last.get(socket);
      // Bytes that no request begins with must not end up inside the answer to the one before them.
      const isWithin = answer?.headersSent === true && !answer.writableEnded;
      if (error.code === 'ECONNRESET' || !socket.writable || isWithin) {
        socket.destroy();
        return;
      }
      if (answer?.writableEnded === true && !answer.shouldKeepAlive) {
        socket.end();
        return;
      }
      const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request';
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    });
    return server;
  }
}

/** The socket is that of the answer to the request before, until that one is over. */
function afterAnswer(before: ServerResponse | undefined, take: () => void): void {
  if (before === undefined || (before.writableFinished && before.socket === null)) take();
  else before.once('finish', take);
}

/** A request inside an intercepted tunnel. */
async function forwardWithin(
  connection: InterceptedConnection,
  {
    request,
    response,
    upgrade,
  }: { request: IncomingMessage; response: ServerResponse; upgrade: Upgrade | undefined },
  context: ProxyContext,
): Promise<void> {
  connection.requests += 1;
  const destination = destinationWithin(connection, request);
  if (destination === undefined) {
    refuse(response, 'generic', 'bad-request', 'The request has no target that can be read.');
  } else if ('misdirected' in destination) {
    const { misdirected } = destination;
    refuse(
      response,
      'generic',
      'misdirected',
      `This connection is with ${connection.host}, not ${misdirected}.`,
    );
    context.record(misdirectedEvent(connection, misdirected, request.method ?? 'GET', context.policy));
  } else {
    const { caller, client } = connection;
    await forward(request, response, context, { destination, caller, client }, upgrade);
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') {
      reject(error);
      return;
    }
    reject(
      new RaypherError('service/port-in-use', `Port ${port} on ${host} is in use by another program.`, {
        hint: 'Choose another with --proxy-port, or stop that program.',
        details: { host, port },
      }),
    );
  });
  server.listen({ host, port, ipv6Only: host === '::1' }, () => {
    server.removeAllListeners('error');
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : port);
  });
  return promise;
}
