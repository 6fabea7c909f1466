import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { ExportAlerts } from './export-alerts.service.ts';
import { ExportCursorsRepository } from './export-cursors.repository.ts';
import { ExportMetrics } from './export-metrics.ts';
import { USUAL_PACE } from './export-pace.ts';
import { type ExportResources, exportTo } from './export-worker.ts';
import { LogReaderRepository } from './log-reader.repository.ts';
import { Senders } from './senders.ts';

/** Destinations that one process sends to at the same time; each has one batch in memory. */
const AT_ONCE = 32;
/** Longest that shutting down waits for batches on their way, milliseconds. */
const GOODBYE_MS = 3_000;
/** Between measurements of how far destinations are behind, milliseconds. */
const MEASURE_EVERY_MS = 5_000;

/**
 * Looks every second which destinations have something to be sent, and sends each on its own: a slow receiver delays
 * nobody else. Several api processes share them by leases.
 */
@Injectable()
export class ExportService implements OnApplicationBootstrap, OnApplicationShutdown {
  /** Others in tests. */
  pace = USUAL_PACE;
  private readonly logger = new Logger('Export');
  private readonly owner = randomUUID();
  private readonly running = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private isBlind = false;
  private measureAt = 0;

  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly database: TenantDatabase,
    private readonly cursors: ExportCursorsRepository,
    private readonly log: LogReaderRepository,
    private readonly senders: Senders,
    private readonly alerts: ExportAlerts,
    private readonly metrics: ExportMetrics,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.look(), this.pace.lookMs);
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.looking;
    // A batch on its way is finished, unless its receiver takes too long: then it is sent again by somebody.
    const patience = new AbortController();
    const expired = setTimeout(GOODBYE_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([Promise.allSettled(this.running.values()), expired]);
    patience.abort();
  }

  /** Starts what is to be started. Returns at once; the next look is not awaited. */
  look(): void {
    if (this.looking !== undefined || this.stopping.signal.aborted) return;
    this.looking = this.start()
      .then(() => {
        this.isBlind = false;
      })
      .catch((error: unknown) => {
        // One line per outage; the timer tries again.
        if (!this.isBlind) this.logger.warn(`Nothing is exported: ${String(error)}`);
        this.isBlind = true;
      })
      .finally(() => {
        this.looking = undefined;
      });
  }

  private resources(): ExportResources {
    const { owner, pace, database, cursors, log, senders, alerts, metrics } = this;
    return { owner, pace, database, cursors, log, senders, alerts, metrics };
  }

  private async start(): Promise<void> {
    if (performance.now() >= this.measureAt) {
      this.measureAt = performance.now() + MEASURE_EVERY_MS;
      this.metrics.behind(await this.crossTenant.exportLags());
    }
    if (this.running.size >= AT_ONCE) return;
    for (const waiting of await this.crossTenant.waitingExports(AT_ONCE)) {
      const { destinationId } = waiting;
      if (this.running.size >= AT_ONCE) return;
      if (this.running.has(destinationId)) continue;
      const run = exportTo(waiting, this.resources(), this.stopping.signal)
        .catch((error: unknown) => this.logger.warn(`An export was interrupted: ${String(error)}`))
        .finally(() => this.running.delete(destinationId));
      this.running.set(destinationId, run);
    }
  }
}
