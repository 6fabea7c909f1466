import { setTimeout } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Queue, Worker } from 'bullmq';
import { Counter, Gauge } from 'prom-client';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { Anchoring } from '../ledger/anchors/anchoring.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { ChallengePruning } from './challenge-pruning.ts';
import { EventPartitions } from './event-partitions.ts';
import { ExpiringExceptions } from './expiring-exceptions.ts';
import { LedgerAudits } from './ledger-audits.ts';
import { PresencePruning } from './presence-pruning.ts';
import { PrivatePurge } from './private-purge.ts';
import { SilentDevices } from './silent-devices.ts';
import { StageWatch } from './stage-watch.ts';

/** Longest that shutting down waits for a running job, milliseconds. */
const GOODBYE_MS = 3_000;

/** Longest that a scrape waits for Redis, milliseconds. */
const DEPTH_WITHIN_MS = 500;

export const QUEUE = 'jobs';
export const QUEUE_PREFIX = 'raypher';

const EVERY_MS = {
  anchoring: 15_000,
  'challenge-pruning': 5 * 60_000,
  'event-partitions': 60 * 60_000,
  'expiring-exceptions': 60 * 60_000,
  'ledger-audit': 10 * 60_000,
  'presence-pruning': 5 * 60_000,
  'private-purge': 15 * 60_000,
  'silent-devices': 60_000,
  'stage-watch': 10_000,
} as const;
type JobName = keyof typeof EVERY_MS;

/**
 * The repeating work of the control plane. BullMQ keeps one schedule in Redis however many api processes
 * there are, so each job runs once per turn.
 */
@Injectable()
export class JobsService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Jobs');
  private readonly failures: Counter;
  private readonly succeeded: Gauge;
  private queue: Queue | undefined;
  private worker: Worker | undefined;

  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    metrics: MetricsService,
    private readonly redis: RedisConnections,
    private readonly anchoring: Anchoring,
    private readonly challenges: ChallengePruning,
    private readonly partitions: EventPartitions,
    private readonly exceptions: ExpiringExceptions,
    private readonly audits: LedgerAudits,
    private readonly pruning: PresencePruning,
    private readonly purge: PrivatePurge,
    private readonly silent: SilentDevices,
    private readonly stages: StageWatch,
  ) {
    this.failures = new Counter({
      name: 'raypher_jobs_failed_total',
      help: 'Repeating jobs that failed, by name',
      labelNames: ['job'],
      registers: [metrics.registry],
    });
    this.succeeded = new Gauge({
      name: 'raypher_job_success_seconds',
      help: 'When a job last ended well in this process, seconds since the epoch, by name',
      labelNames: ['job'],
      registers: [metrics.registry],
    });
    const depth = async (): Promise<Record<string, number>> => (redis.isReady ? this.depth() : {});
    new Gauge({
      name: 'raypher_jobs',
      help: 'Jobs in the queue, by state',
      labelNames: ['state'],
      registers: [metrics.registry],
      async collect() {
        for (const [state, count] of Object.entries(await depth())) this.set({ state }, count);
      },
    });
    // Redis may come back without what it held; a schedule that is there already stays as it is.
    redis.commands.on('ready', () => this.keepSchedule());
  }

  /** Of the queue, by state; unknown while Redis is away. */
  private async depth(): Promise<Record<string, number>> {
    if (this.queue === undefined) return {};
    const patience = new AbortController();
    const expired = setTimeout(DEPTH_WITHIN_MS, {}, { signal: patience.signal }).catch(() => ({}));
    try {
      return await Promise.race([this.queue.getJobCounts('waiting', 'active', 'delayed', 'failed'), expired]);
    } catch {
      return {};
    } finally {
      patience.abort();
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    // Needed before the first event of the day, Redis or not.
    await this.run('event-partitions').catch((error: unknown) => this.failed('event-partitions', error));
    const connection = { url: this.config.redisUrl, maxRetriesPerRequest: null };
    this.queue = new Queue(QUEUE, {
      connection,
      prefix: QUEUE_PREFIX,
      defaultJobOptions: { removeOnComplete: { count: 100 }, removeOnFail: { count: 100 } },
    });
    this.worker = new Worker(QUEUE, async (job) => this.run(job.name), {
      connection,
      prefix: QUEUE_PREFIX,
    });
    this.worker.on('failed', (job, error) => this.failed(job?.name ?? 'unknown', error));
    // Connections come back by themselves; the shared connection has already said that Redis is away.
    this.worker.on('error', () => undefined);
    this.queue.on('error', () => undefined);
    this.keepSchedule();
  }

  async onApplicationShutdown(): Promise<void> {
    // Both say goodbye to Redis. One that is away is not waited for. A job that is cut off runs again.
    const closed = Promise.allSettled([this.worker?.close(!this.redis.isReady), this.queue?.close()]);
    if (!this.redis.isReady) return;
    const patience = new AbortController();
    const expired = setTimeout(GOODBYE_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([closed, expired]);
    patience.abort();
  }

  private keepSchedule(): void {
    if (this.queue === undefined) return;
    this.schedule(this.queue).catch((error: unknown) => this.failed('schedule', error));
  }

  private async schedule(queue: Queue): Promise<void> {
    for (const [name, every] of Object.entries(EVERY_MS)) {
      await queue.upsertJobScheduler(name, { every }, { name });
    }
  }

  private async run(name: string): Promise<number> {
    if (!isJobName(name)) return 0;
    const count = await this.work(name);
    this.succeeded.set({ job: name }, Date.now() / 1000);
    return count;
  }

  private work(name: JobName): Promise<number> {
    switch (name) {
      case 'anchoring':
        return this.anchoring.run();
      case 'challenge-pruning':
        return this.challenges.run();
      case 'event-partitions':
        return this.partitions.run();
      case 'expiring-exceptions':
        return this.exceptions.run();
      case 'ledger-audit':
        return this.audits.run();
      case 'presence-pruning':
        return this.pruning.run();
      case 'private-purge':
        return this.purge.run();
      case 'silent-devices':
        return this.silent.run();
      case 'stage-watch':
        return this.stages.run();
    }
  }

  private failed(name: string, error: unknown): void {
    this.failures.inc({ job: name });
    this.logger.error(`The job ${name} failed: ${String(error)}`);
  }
}

function isJobName(name: string): name is JobName {
  return Object.hasOwn(EVERY_MS, name);
}
