import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Queue } from 'bullmq';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { RedisConnections } from '../redis/redis-connections.ts';

export const ARCHIVE_QUEUE = 'archive';
export const QUEUE_PREFIX = 'raypher';

const EVERY_MS = { archive: 5 * 60_000, verify: 7 * 86_400_000 } as const;
export type ArchiveJob = keyof typeof EVERY_MS;

/** Work of the archive that waits its turn. One turn may take hours, so it has a queue of its own. */
@Injectable()
export class ArchiveQueue implements OnApplicationShutdown {
  #queue: Queue | undefined;

  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly redis: RedisConnections,
  ) {}

  /** Once, however often it is asked for while it waits. */
  async ask(name: ArchiveJob, organisationId: string): Promise<void> {
    await this.queue().add(name, { organisation: organisationId }, { jobId: `${name}-${organisationId}` });
  }

  async schedule(): Promise<void> {
    for (const [name, every] of Object.entries(EVERY_MS)) {
      await this.queue().upsertJobScheduler(name, { every }, { name });
    }
  }

  async onApplicationShutdown(): Promise<void> {
    const closed = this.#queue?.close();
    // It says goodbye to Redis; one that is away is not waited for.
    if (this.redis.isReady) await closed;
    else closed?.catch(() => undefined);
  }

  private queue(): Queue {
    if (this.#queue === undefined) {
      this.#queue = new Queue(ARCHIVE_QUEUE, {
        connection: { url: this.config.redisUrl, maxRetriesPerRequest: null },
        prefix: QUEUE_PREFIX,
        defaultJobOptions: {
          attempts: 4,
          backoff: { type: 'exponential', delay: 15_000, jitter: 0.5 },
          removeOnComplete: true,
          removeOnFail: true,
        },
      });
      // Connections come back by themselves; the shared connection has already said that Redis is away.
      this.#queue.on('error', () => undefined);
    }
    return this.#queue;
  }
}
