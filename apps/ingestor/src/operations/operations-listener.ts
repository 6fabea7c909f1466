import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG } from '../config/config.module.ts';
import type { Config } from '../config/config.ts';
import { HealthService } from '../health/health.service.ts';
import { applyLimits, SERVER_OPTIONS } from '../http/limits.ts';
import { MetricsService } from '../metrics/metrics.service.ts';

/** Probes and scrapers are few. */
const MAX_CONNECTIONS = 64;

/**
 * Health and metrics for whoever runs a cluster, on a port of their own: it has no sign-in, no API and nothing that
 * changes anything. Off unless RAYPHER_OPERATIONS_PORT is set. It answers until the process is gone, so that a balancer
 * sees that this one is stopping.
 */
@Injectable()
export class OperationsListener implements OnApplicationShutdown {
  private readonly logger = new Logger('Operations');
  private server: Server | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly health: HealthService,
    private readonly metrics: MetricsService,
  ) {}

  /** @returns the port; undefined when there is none. */
  async listen(): Promise<number | undefined> {
    const { operationsPort, listenHost } = this.config;
    if (operationsPort === undefined) return undefined;
    const server = createServer(SERVER_OPTIONS, (request, response) => {
      this.answer(request, response).catch((error: unknown) => {
        this.logger.error(error);
        response.destroy();
      });
    });
    applyLimits(server, MAX_CONNECTIONS);
    server.listen(operationsPort, listenHost);
    await once(server, 'listening');
    this.server = server;
    // The server listens on TCP, so its address is an AddressInfo.
    return (server.address() as AddressInfo).port;
  }

  onApplicationShutdown(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.method === 'GET' ? request.url : undefined;
    switch (path) {
      case '/healthz':
        send(response, 200, 'application/json', JSON.stringify({ alive: true }));
        return;
      case '/readyz': {
        const { ready, parts } = await this.health.report();
        // Which part, but not why: an error may name hosts and accounts.
        const names = Object.fromEntries(Object.entries(parts).map(([name, { ok }]) => [name, { ok }]));
        send(response, ready ? 200 : 503, 'application/json', JSON.stringify({ ready, parts: names }));
        return;
      }
      case '/servez': {
        const serving = await this.health.serving();
        send(response, serving ? 200 : 503, 'application/json', JSON.stringify({ serving }));
        return;
      }
      case '/metrics':
        send(response, 200, this.metrics.registry.contentType, await this.metrics.registry.metrics());
        return;
      default:
        send(response, 404, 'text/plain', 'There is nothing at this address.\n');
    }
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}
