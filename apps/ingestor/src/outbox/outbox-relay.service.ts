import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { NUDGE_CHANNEL } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';

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

  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly redis: RedisConnections,
  ) {}

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
      if (waiting.length === 0) return;
      const pipeline = this.redis.commands.pipeline();
      for (const { message } of waiting) pipeline.publish(NUDGE_CHANNEL, JSON.stringify(message));
      const results = await pipeline.exec();
      const failure = results?.find(([error]) => error !== null)?.[0];
      if (failure) throw failure;
      await this.crossTenant.markOutboxPublished(waiting.map(({ id }) => id));
      if (waiting.length < BATCH) return;
    }
  }
}
