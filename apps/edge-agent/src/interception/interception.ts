import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createServer, TLSSocket } from 'node:tls';
import { normaliseHost } from '@raypher/policy';
import { type FirstBytes, firstBytes } from '../proxy/first-bytes.ts';
import type { Tunnel, UninspectedReason } from '../proxy/proxied-tunnel.ts';
import type { ProxyContext } from '../proxy/proxy-context.ts';
import { UninspectedTunnel } from '../proxy/uninspected-tunnel.ts';
import type { Leaf } from './certificate-authority.ts';
import { type ClientFault, clientFault } from './client-fault.ts';
import { Intercepted, type InterceptedConnection } from './intercepted-connection.ts';
import { LeafCache } from './leaf-cache.ts';
import { isPassedThrough } from './pass-through.ts';
import { RefusedPairs } from './refused-pairs.ts';
import { uninspectedEvent } from './uninspected-event.ts';

/** What the service knows and interception asks for. */
export interface InterceptionOptions {
  /** A certificate for a host that clients of this machine trust. */
  issue: (host: string) => Promise<Leaf>;
  /** Read for each connection, so that a change counts from the next one on. */
  isOn: () => boolean;
  /** Patterns of hosts that nobody looks into. */
  passThrough: () => readonly string[];
  /** Whether what cannot be read may pass. */
  mode: () => 'enforce' | 'monitor';
  /** SHA-256 of the program behind a connection, or what stands for it. */
  programOf: (caller: Tunnel['caller']) => Promise<string>;
}

interface InterceptionParts {
  context: ProxyContext;
  /** Takes a connection over whose bytes are HTTP/1. */
  serveHttp1: (socket: Socket) => void;
  /** Takes a connection over whose bytes are HTTP/2. */
  serveHttp2: (socket: TLSSocket, connection: InterceptedConnection) => void;
}

/** Longest wait for a client before the server is given the chance to speak first, milliseconds. */
const CLIENT_SPEAKS_WITHIN_MS = 400;
const HANDSHAKE_TIMEOUT_MS = 15_000;
/** A client that rejects a certificate after the handshake (Node.js does) is gone at once. */
const GONE_AT_ONCE_MS = 2000;
const HTTP = ['h2', 'http/1.1'];

/** Reads what tunnels carry: TLS that ends here with a certificate of this machine, and plain HTTP. */
export class Interception {
  readonly #options: InterceptionOptions;
  readonly #parts: InterceptionParts;
  readonly #leaves: LeafCache;
  readonly #refusedPairs = new RefusedPairs();
  readonly #intercepted = new Intercepted();

  constructor(options: InterceptionOptions, parts: InterceptionParts) {
    this.#options = options;
    this.#parts = parts;
    this.#leaves = new LeafCache(options.issue);
  }

  /** The connection that a request came over, when it was intercepted. */
  connectionOf(request: IncomingMessage): InterceptedConnection | undefined {
    return this.#intercepted.of(request.socket);
  }

  /** Whether a socket of an HTTP server is the inside of an intercepted connection. */
  isInside(socket: object): boolean {
    return this.#intercepted.has(socket);
  }

  /** @returns why a tunnel is not to be read; undefined when it is */
  async whyNot({ host, caller }: Pick<Tunnel, 'host' | 'caller'>): Promise<UninspectedReason | undefined> {
    if (!this.#options.isOn()) return 'interception-off';
    if (isPassedThrough(this.#options.passThrough(), host)) return 'pass-through';
    // To hash a program takes a while, once.
    if (this.#options.mode() === 'enforce' || this.#refusedPairs.isEmpty) return undefined;
    const program = await this.#options.programOf(caller);
    return this.#refusedPairs.has(program, host) ? 'certificate-refused-before' : undefined;
  }

  /**
   * Takes over a connection that a client believes to be with `tunnel.host`. How it got here plays no part: CONNECT,
   * or a redirection by the kernel.
   *
   * @param head what was read from the client already
   */
  async intercept(tunnel: Tunnel, head: Buffer): Promise<void> {
    const { client } = tunnel;
    client.on('error', () => client.destroy());
    const pending = firstBytes(client, head);
    const first = await within(CLIENT_SPEAKS_WITHIN_MS, pending);
    if (first !== undefined) return this.#take(tunnel, first);
    // Nothing yet: perhaps the client waits for a greeting.
    const patient = new UninspectedTunnel(tunnel, this.#parts.context, 'server-first');
    // Not to be opened unread is no reason to refuse what may yet be read.
    if (!(await patient.open())) return this.#take(tunnel, await pending);
    const later = await Promise.race([pending, patient.serverSpeaks()]);
    if (later === undefined || patient.serverSpoke) return patient.join(head, pending);
    patient.abandon();
    return this.#take(tunnel, later);
  }

  async #take(tunnel: Tunnel, first: FirstBytes): Promise<void> {
    switch (first.kind) {
      case 'ended':
        tunnel.client.destroy();
        return;
      case 'http':
        return this.#serve({ ...tunnel, protocol: 'http:', requests: 0 }, tunnel.client, 'http/1.1');
      case 'other':
        return this.#relay(tunnel, first, 'not-tls');
      case 'unreadable':
        return this.#relay(tunnel, first, 'unreadable');
      case 'tls':
        return this.#takeTls(tunnel, first);
    }
  }

  async #takeTls(tunnel: Tunnel, first: Extract<FirstBytes, { kind: 'tls' }>): Promise<void> {
    const { serverName, protocols } = first.hello;
    const name = serverName === undefined ? tunnel.host : normaliseHost(serverName);
    if (name === undefined) return this.#relay(tunnel, first, 'unreadable');
    // The name in the handshake is what the client talks to, whatever address it asked for.
    const addressed: Tunnel = {
      ...tunnel,
      host: name.replace(/^\[|\]$/g, ''),
      byAddress: tunnel.byAddress === true && serverName === undefined,
    };
    if (addressed.host !== tunnel.host) {
      const because = await this.whyNot(addressed);
      // To that name, not to where the client asked for: else every address could be reached unread behind it.
      if (because !== undefined) return this.#relay(addressed, first, because);
    }
    if (protocols !== undefined && !protocols.some((protocol) => HTTP.includes(protocol))) {
      const fault: ClientFault = { reason: 'protocol', detail: protocols.join(', ') };
      await this.reportFault(addressed, fault);
      if (this.#options.mode() === 'enforce') tunnel.client.destroy();
      else await this.#relay(tunnel.byAddress === true ? addressed : tunnel, first, 'protocol');
      return;
    }
    const leaf = await this.#leaves.for(addressed.host);
    if (tunnel.client.destroyed) return;
    const secure = await handshake(tunnel.client, leaf);
    if ('reason' in secure) {
      tunnel.client.destroy();
      await this.reportFault(addressed, secure);
      return;
    }
    // Both parsers must have read the same name, or rules would be asked about another one than is served.
    const read = typeof secure.servername === 'string' ? secure.servername.toLowerCase() : undefined;
    if (read !== serverName) {
      secure.destroy();
      return;
    }
    const connection: InterceptedConnection = { ...addressed, protocol: 'https:', requests: 0 };
    this.#watchForRejection(connection, secure);
    return this.#serve(
      connection,
      secure,
      secure.alpnProtocol === false ? undefined : (secure.alpnProtocol ?? undefined),
    );
  }

  async #serve(
    connection: InterceptedConnection,
    socket: Socket | TLSSocket,
    protocol: string | undefined,
  ): Promise<void> {
    this.#intercepted.add(socket, connection);
    if (protocol === 'h2' && socket instanceof TLSSocket) {
      // Each stream watches whether the client is there.
      connection.client.setMaxListeners(0);
      this.#parts.serveHttp2(socket, connection);
      return;
    }
    if (protocol === undefined) {
      // Nothing was agreed on, so that it may be anything that TLS carries.
      const inside = await firstBytes(socket, Buffer.alloc(0));
      if (inside.kind !== 'http') socket.destroy();
      if (inside.kind === 'ended') return;
      if (inside.kind !== 'http') {
        await this.reportFault(connection, { reason: 'not-http', detail: inside.kind });
        return;
      }
    }
    this.#parts.serveHttp1(socket);
    // It was paused while it was looked at.
    socket.resume();
  }

  /** Some clients complete the handshake before they look at the certificate. */
  #watchForRejection(connection: InterceptedConnection, secure: TLSSocket): void {
    const since = performance.now();
    secure.once('close', () => {
      if (connection.requests > 0 || performance.now() - since > GONE_AT_ONCE_MS) return;
      void this.reportFault(connection, { reason: 'closed', detail: 'closed without a request' });
    });
  }

  /** Records that a connection cannot be read; in monitor mode the next one passes. */
  async reportFault(tunnel: Tunnel, fault: ClientFault): Promise<void> {
    const program = await this.#options.programOf(tunnel.caller);
    const passes = this.#options.mode() === 'monitor';
    const seen = this.#refusedPairs.add(program, tunnel.host, fault.reason);
    if (seen === undefined) return;
    this.#parts.context.record(uninspectedEvent({ ...tunnel, ...fault, program, passes, times: seen }));
  }

  /** Lets a connection through unread that was accepted already. */
  async #relay(tunnel: Tunnel, first: FirstBytes, because: UninspectedReason): Promise<void> {
    const uninspected = new UninspectedTunnel(tunnel, this.#parts.context, because);
    if (!(await uninspected.open(() => tunnel.client.destroy()))) return;
    await uninspected.join(Buffer.alloc(0), Promise.resolve(first));
  }
}

/** Is the server that the client believes to talk to. A server per connection, because the certificate is the host's. */
function handshake(client: Socket, { key, certificate }: Leaf): Promise<TLSSocket | ClientFault> {
  const { promise, resolve } = Promise.withResolvers<TLSSocket | ClientFault>();
  const server = createServer({
    key,
    cert: certificate,
    // Older versions are broken (RFC 8996); a client that has no newer one is reported.
    minVersion: 'TLSv1.2',
    ALPNProtocols: HTTP,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  server.once('secureConnection', resolve);
  server.once('tlsClientError', (error) => resolve(clientFault(error)));
  // A client that goes away in the middle shall be noticed then, and not when the time is over.
  client.allowHalfOpen = false;
  server.emit('connection', client);
  return promise;
}

/** @returns undefined when it takes longer */
function within<T>(ms: number, awaited: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  return Promise.race([awaited, promise]).finally(() => clearTimeout(timer));
}
