import { createHash, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { parseDeviceUri } from '@raypher/shared';
import { LINK_CONFIG } from '../config/config.module.ts';
import type { LinkConfig } from '../config/config.ts';
import { HealthService } from '../health/health.service.ts';
import { readServerIdentity, type ServerFiles } from './server-identity.ts';

/** Who is at the other end of a connection, as the TLS handshake proved it. */
export interface Peer {
  certificate: ProvenCertificate | { fault: string } | undefined;
  socket: TLSSocket;
}

export interface ProvenCertificate {
  /** SHA-256 of the certificate (DER). */
  fingerprint: Buffer;
  /** From the URI in the subject alternative name. */
  device: ReturnType<typeof parseDeviceUri>;
  publicKey: KeyObject;
  fault: undefined;
}

const RELOAD_EVERY_MS = 60_000;
const IDENTITY_WITHIN_MS = 60_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 50_000;

/**
 * Terminates TLS in front of gRPC and HTTP/1.1, so that a refused certificate can be answered with a reason instead
 * of a broken handshake, the server certificate can change without a restart, and one port serves every transport.
 *
 * A client certificate is asked for; whoever has none, or one that is not ours, reaches nothing but a refusal.
 */
@Injectable()
export class LinkListener implements OnApplicationShutdown {
  private readonly logger = new Logger('LinkListener');
  /** By remote address and port, which name a live connection. */
  private readonly peers = new Map<string, Peer>();
  private server: Server | undefined;
  private loaded: ServerFiles | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(LINK_CONFIG) private readonly config: LinkConfig,
    private readonly health: HealthService,
  ) {}

  /**
   * @param onConnection gets each connection after its handshake; `socket.alpnProtocol` says what it speaks.
   * @returns the port.
   */
  async listen(onConnection: (socket: TLSSocket, peer: Peer) => void): Promise<number> {
    this.loaded = await this.waitForIdentity();
    const server = createServer({
      ...this.loaded,
      minVersion: 'TLSv1.3',
      // In the order of our preference (RFC 7301 §3.2).
      ALPNProtocols: ['h2', 'http/1.1'],
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.on('tlsClientError', (error, socket) => {
      this.logger.debug(`TLS handshake failed: ${error.message}`);
      socket.destroy();
    });
    server.on('secureConnection', (socket) => {
      // A reset connection is ordinary; without a listener it would end the process.
      socket.on('error', () => undefined);
      // Gone already: it has no address any more, and nobody would take its entry away.
      if (socket.destroyed) return;
      const name = `${socket.remoteAddress}:${socket.remotePort}`;
      const peer = describePeer(socket);
      this.peers.set(name, peer);
      socket.once('close', () => {
        // Another connection may have been given the same port before this one was seen to end.
        if (this.peers.get(name) === peer) this.peers.delete(name);
      });
      onConnection(socket, peer);
    });
    server.listen(this.config.linkPort, this.config.listenHost);
    await once(server, 'listening');
    this.server = server;
    this.health.register('link', async () => {
      if (!server.listening) throw new Error('not accepting streams');
    });
    this.timer = setInterval(() => void this.reload(), RELOAD_EVERY_MS).unref();
    // The server listens on TCP, so its address is an AddressInfo.
    return (server.address() as AddressInfo).port;
  }

  /** The api role makes our certificate; when both start together it may take a moment. */
  private async waitForIdentity(): Promise<ServerFiles> {
    const giveUpAt = performance.now() + IDENTITY_WITHIN_MS;
    for (;;) {
      try {
        return await readServerIdentity(this.config.pkiDirectory);
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
        await setTimeout(250);
      }
    }
  }

  /** @param name `address:port`, as gRPC names the peer of a call. */
  peer(name: string): Peer | undefined {
    return this.peers.get(name);
  }

  /** Stops accepting; connections that are open stay. */
  stopAccepting(): void {
    this.server?.close();
  }

  /** Resolves when nobody is connected any more, or after so many milliseconds. */
  async untilEmpty(withinMs: number): Promise<void> {
    const closed = [...this.peers.values()].map(({ socket }) => once(socket, 'close'));
    const timeout = new AbortController();
    await Promise.race([
      Promise.all(closed),
      setTimeout(withinMs, undefined, { signal: timeout.signal }).catch(() => undefined),
    ]);
    timeout.abort();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.server?.close();
    for (const peer of this.peers.values()) peer.socket.destroy();
  }

  /** Takes up the certificate that the api role has renewed. */
  private async reload(): Promise<void> {
    try {
      const files = await readServerIdentity(this.config.pkiDirectory);
      if (files.cert === this.loaded?.cert && files.ca === this.loaded.ca) return;
      this.server?.setSecureContext(files);
      this.loaded = files;
      this.logger.log('Took up the renewed server certificate');
    } catch (error) {
      this.logger.warn(error);
    }
  }
}

function describePeer(socket: TLSSocket): Peer {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { certificate: undefined, socket };
  // Nothing is read out of a certificate that does not lead to our root.
  if (!socket.authorized) return { certificate: { fault: faultOf(socket) }, socket };
  const names = (certificate.subjectAltName ?? '').split(', ');
  const [name = ''] = names;
  const isOneUri = names.length === 1 && name.startsWith('URI:');
  return {
    socket,
    certificate: {
      fingerprint: createHash('sha256').update(certificate.raw).digest(),
      device: isOneUri ? parseDeviceUri(name.slice('URI:'.length)) : undefined,
      publicKey: certificate.publicKey,
      fault: undefined,
    },
  };
}

/** Typed as Error, but on a server it is OpenSSL's code as a string. */
function faultOf(socket: TLSSocket): string {
  const fault: unknown = socket.authorizationError;
  if (typeof fault === 'string') return fault;
  return fault instanceof Error && 'code' in fault ? String(fault.code) : 'UNVERIFIED';
}
