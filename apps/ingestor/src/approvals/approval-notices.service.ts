import { setTimeout } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { Queue, UnrecoverableError, Worker } from 'bullmq';
import { z } from 'zod';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { QUEUE_PREFIX } from '../jobs/jobs.service.ts';
import { LIVE_CHANNEL, parseLiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { ApprovalsRepository, showApproval } from './approvals.repository.ts';
import { chatMessage, signMessage } from './chat-message.ts';
import { WebhookSender } from './webhook-sender.ts';
import { WebhookSettings } from './webhook-settings.service.ts';

const QUEUE = 'approval-notices';
const Notice = z.object({ organisation: z.uuid(), approval: z.uuid() });
/** With the pauses between them these end within a minute: later nobody can answer most questions. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 2_000;
/** Messages on their way at the same time, of all organisations. */
const CONCURRENCY = 8;
/** Longest that shutting down waits for a message on its way, milliseconds. */
const GOODBYE_MS = 3_000;

/**
 * Tells chat services of questions. Every api process hears of each question; the question's id is the job's, so that it is
 * told once. When Redis is away nobody is told: the page of questions is the record.
 */
@Injectable()
export class ApprovalNotices implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('ApprovalNotices');
  private queue: Queue | undefined;
  private worker: Worker | undefined;

  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly redis: RedisConnections,
    private readonly database: TenantDatabase,
    private readonly approvals: ApprovalsRepository,
    private readonly settings: WebhookSettings,
    private readonly sender: WebhookSender,
  ) {}

  onApplicationBootstrap(): void {
    const connection = { url: this.config.redisUrl, maxRetriesPerRequest: null };
    this.queue = new Queue(QUEUE, { connection, prefix: QUEUE_PREFIX });
    this.worker = new Worker(QUEUE, async ({ data }) => this.tell(data), {
      connection,
      prefix: QUEUE_PREFIX,
      concurrency: CONCURRENCY,
    });
    this.worker.on('failed', (_job, error) =>
      this.logger.warn(`A chat service was not told: ${error.message}`),
    );
    // Connections come back by themselves; the shared connection has already said that Redis is away.
    this.worker.on('error', () => undefined);
    this.queue.on('error', () => undefined);
    const subscriber = this.redis.connect('approval-notices');
    subscriber.on('message', (_channel, text) => {
      const message = parseLiveMessage(text);
      if (message?.kind !== 'approval') return;
      for (const approval of message.asked) this.add({ organisation: message.organisation, approval });
    });
    subscriber.subscribe(LIVE_CHANNEL).catch((error: unknown) => {
      this.logger.warn(`Chat services are not told: ${String(error)}`);
    });
  }

  async onApplicationShutdown(): Promise<void> {
    const closed = Promise.allSettled([this.worker?.close(), this.queue?.close()]);
    // Both say goodbye to Redis, and wait for it when it is away. A message that is cut off is sent again.
    const patience = new AbortController();
    const expired = setTimeout(GOODBYE_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([closed, expired]);
    patience.abort();
  }

  private add(notice: z.infer<typeof Notice>): void {
    this.queue
      ?.add('tell', notice, {
        jobId: notice.approval,
        attempts: ATTEMPTS,
        backoff: { type: 'exponential', delay: FIRST_PAUSE_MS },
        removeOnComplete: { age: 3_600, count: 10_000 },
        removeOnFail: { age: 3_600, count: 1_000 },
      })
      .catch((error: unknown) => this.logger.warn(`A chat service is not told: ${String(error)}`));
  }

  private async tell(data: unknown): Promise<void> {
    const { organisation, approval: id } = Notice.parse(data);
    const webhook = await this.settings.open(organisation);
    if (webhook === undefined) return;
    const row = await this.database.within(organisation, (tx) => this.approvals.find(tx, id));
    // Answered or over by now: nobody is needed.
    if (row === undefined || !row.isOpen) return;
    const link = `${this.config.webOrigin}/approvals/${id}`;
    const body = chatMessage(webhook.format, showApproval(row), link);
    const signature = signMessage(webhook.signingKey, body, Math.floor(Date.now() / 1_000));
    try {
      await this.sender.post(webhook.url, body, { 'raypher-signature': signature });
    } catch (error) {
      // It would be refused the next time as well.
      if (error instanceof RaypherError) throw new UnrecoverableError(error.message);
      throw error;
    }
  }
}
