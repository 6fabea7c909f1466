import { setTimeout } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Worker } from 'bullmq';
import { Counter } from 'prom-client';
import { z } from 'zod';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { ARCHIVE_QUEUE, ArchiveQueue, QUEUE_PREFIX } from './archive-queue.ts';
import { ArchiveRuns } from './archive-runs.service.ts';

/** Longest that shutting down waits for a running job, milliseconds. */
const GOODBYE_MS = 3_000;

const Task = z.object({ organisation: z.uuid().optional() });

/** Does the work of the archive, one job at a time. What is cut off is taken up by whoever is there. */
@Injectable()
export class ArchiveWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Archive');
  private readonly failures: Counter;
  private worker: Worker | undefined;

  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    metrics: MetricsService,
    private readonly queue: ArchiveQueue,
    private readonly runs: ArchiveRuns,
    private readonly redis: RedisConnections,
  ) {
    this.failures = new Counter({
      name: 'raypher_archive_runs_failed_total',
      help: 'Runs of the archive that failed, by name',
      labelNames: ['job'],
      registers: [metrics.registry],
    });
  }

  onApplicationBootstrap(): void {
    this.worker = new Worker(
      ARCHIVE_QUEUE,
      async ({ name, data }) => this.run(name, Task.parse(data ?? {})),
      {
        connection: { url: this.config.redisUrl, maxRetriesPerRequest: null },
        prefix: QUEUE_PREFIX,
        // A job that a dead process had is taken up again; writing it twice does no harm.
        maxStalledCount: 10,
      },
    );
    this.worker.on('failed', (job, error) => this.failed(job?.name ?? 'unknown', error));
    this.worker.on('error', () => undefined);
    this.queue.schedule().catch((error: unknown) => this.failed('schedule', error));
  }

  async onApplicationShutdown(): Promise<void> {
    const patience = new AbortController();
    const expired = setTimeout(GOODBYE_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    const closed = this.worker?.close(!this.redis.isReady);
    // It says goodbye to Redis; one that is away is not waited for.
    if (this.redis.isReady) await Promise.race([closed, expired]);
    else closed?.catch(() => undefined);
    patience.abort();
  }

  private async run(name: string, { organisation }: z.infer<typeof Task>): Promise<void> {
    if (name === 'archive') await this.runs.archive(organisation);
    if (name === 'verify') await this.runs.verify(organisation);
  }

  private failed(name: string, error: unknown): void {
    this.failures.inc({ job: name });
    this.logger.error(`The archive's job ${name} failed: ${String(error)}`);
  }
}
