import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { InstallationAuthority, type ServerIdentity } from '../keys/installation-authority.ts';
import { applyLimits, SERVER_OPTIONS } from './limits.ts';

/** The same application over TLS, for devices and programs. Client certificates are asked for, not demanded. */
@Injectable()
export class TlsListener implements OnApplicationShutdown {
  private readonly logger = new Logger('TlsListener');
  private server: Server | undefined;

  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly adapter: HttpAdapterHost,
    private readonly installation: InstallationAuthority,
  ) {}

  /** @returns the port; a free one when the configuration says 0. */
  async listen(): Promise<number> {
    const server = createServer(
      {
        ...SERVER_OPTIONS,
        ...contextOf(this.installation.serverIdentity),
        minVersion: 'TLSv1.2',
        requestCert: true,
        // Who may do what with which certificate is decided per route; see RenewalService.
        rejectUnauthorized: false,
        handshakeTimeout: 10_000,
      },
      // Express' application is a request listener.
      this.adapter.httpAdapter.getInstance(),
    );
    applyLimits(server, 4_096);
    server.on('tlsClientError', (error, socket) => {
      this.logger.debug(`TLS handshake failed: ${error.message}`);
      socket.destroy();
    });
    this.installation.onRenewal((identity) => server.setSecureContext(contextOf(identity)));
    server.listen(this.config.tlsPort, this.config.listenHost);
    await once(server, 'listening');
    this.server = server;
    // The server listens on TCP, so its address is an AddressInfo.
    return (server.address() as AddressInfo).port;
  }

  async onApplicationShutdown(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    const insist = setTimeout(() => server.closeAllConnections(), 5_000);
    await closed;
    clearTimeout(insist);
  }
}

function contextOf(identity: ServerIdentity): { cert: string; key: string; ca: string } {
  return { cert: identity.cert, key: identity.key, ca: identity.ca };
}
