import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { NUDGE_CHANNEL } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { TracingService } from '../tracing/tracing.service.ts';

const EVERY_MS = 1_000;
const BATCH = 500;

/**
 * Publishes what transactions left in the outbox: at once when told to look, and every second for what a
 * crash or an absent Redis left behind. Several processes may publish the same row; nudges are idempotent.
 */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Outbox');
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private failing = false;
  /** On the clock of `performance`. */
  private emptyAt = performance.now();

  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly redis: RedisConnections,
    metrics: MetricsService,
    private readonly tracing: TracingService,
  ) {
    metrics.watch(
      'raypher_outbox_lag_seconds',
      'Since the outbox was last seen to be empty; it is looked at every second',
      () => (performance.now() - this.emptyAt) / 1000,
    );
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.look(), EVERY_MS);
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  /** Call it after the commit of a transaction that wrote to the outbox. Returns at once. */
  look(): void {
    if (this.running !== undefined) {
      this.again = true;
      return;
    }
    this.running = this.drain()
      .then(() => {
        this.failing = false;
      })
      .catch((error: unknown) => {
        // One line per outage; the timer tries again.
        if (!this.failing) this.logger.warn(`Nudges wait in the outbox: ${String(error)}`);
        this.failing = true;
        this.again = false;
      })
      .finally(() => {
        this.running = undefined;
        if (!this.again) return;
        this.again = false;
        this.look();
      });
  }

  private async drain(): Promise<void> {
    for (;;) {
      const waiting = await this.crossTenant.waitingOutbox(BATCH);
      if (waiting.length === 0) break;
      const pipeline = this.redis.commands.pipeline();
      const spans = waiting.map(({ topic, message }) =>
        this.tracing.join('outbox.publish', traceparentOf(message), { 'raypher.topic': topic }),
      );
      for (const [index, { message }] of waiting.entries()) {
        const nudge = Object.assign({}, message, { traceparent: spans[index]?.traceparent });
        pipeline.publish(NUDGE_CHANNEL, JSON.stringify(nudge));
      }
      const results = await pipeline.exec();
      for (const span of spans) span.end();
      const failure = results?.find(([error]) => error !== null)?.[0];
      if (failure) throw failure;
      await this.crossTenant.markOutboxPublished(waiting.map(({ id }) => id));
      if (waiting.length < BATCH) break;
    }
    this.emptyAt = performance.now();
  }
}

/** Messages are what the repository wrote; rows of an older version have none. */
function traceparentOf(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null || !('traceparent' in message)) return undefined;
  return typeof message.traceparent === 'string' ? message.traceparent : undefined;
}
