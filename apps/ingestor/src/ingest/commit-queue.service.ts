import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { MetricsService } from '../metrics/metrics.service.ts';
import type { TracedSpan } from '../tracing/traced-span.ts';
import { ApprovalsProjection } from './approvals.repository.ts';
import { IncidentsService, NO_NEWS } from './incidents.service.ts';
import { LedgerRepository } from './ledger.repository.ts';
import { followedIn, newIn, type PlacedBatch, placeAll, spendIn, type WaitingBatch } from './placed-batch.ts';
import { SpendRepository } from './spend.repository.ts';

/** A verified batch, and who is told what came of it. */
export interface CommitJob extends WaitingBatch {
  /** Of all entries and private parts together. */
  bytes: number;
  span: TracedSpan;
  /** Everything up to the head is durable. */
  committed(commit: Commit): void;
  /** Nothing of the batch was stored. */
  refused(error: RaypherError): void;
}

/** What became of a batch. */
export interface Commit {
  placed: PlacedBatch;
  /** Of its new entries, in their order. */
  positions: readonly string[];
  receivedAt: Date;
}

/** A micro-batch is committed when its first batch is this old, or when it has this many rows. */
const WAIT_MS = 10;
const MAX_ROWS = 8_192;
/** What may wait for the database in this process, bytes of entries. */
const MAX_WAITING_BYTES = 128 * 1024 * 1024;
const RETRY_MS = [250, 500, 1_000, 2_000] as const;

/**
 * Commits batches of many devices together. One transaction runs at a time; what arrives meanwhile is
 * the next micro-batch. While the database is away batches wait, nothing is acknowledged and no credit
 * is given, so that devices keep what we cannot store.
 */
@Injectable()
export class CommitQueue implements OnApplicationShutdown {
  private readonly logger = new Logger('CommitQueue');
  private waiting: CommitJob[] = [];
  private waitingBytes = 0;
  private waitingRows = 0;
  private firstAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private failures = 0;
  private stopped = false;

  constructor(
    private readonly ledger: LedgerRepository,
    private readonly incidents: IncidentsService,
    private readonly approvals: ApprovalsProjection,
    private readonly spend: SpendRepository,
    private readonly metrics: MetricsService,
  ) {
    metrics.watch(
      'raypher_ingest_waiting_bytes',
      'Bytes of entries that are verified and not yet committed',
      () => this.waitingBytes,
    );
  }

  /** @throws RaypherError `link/overloaded` when too much waits already. */
  add(job: CommitJob): void {
    if (this.waitingBytes + job.bytes > MAX_WAITING_BYTES || this.stopped) {
      throw new RaypherError('link/overloaded', 'The record cannot be written fast enough right now.', {
        hint: 'Keep the entries and send them again later.',
      });
    }
    if (this.waiting.length === 0) this.firstAt = performance.now();
    this.waiting.push(job);
    this.waitingBytes += job.bytes;
    this.waitingRows += job.batch.count;
    this.metrics.waitingBatches.set(this.waiting.length);
    this.schedule();
  }

  /** Resolves when everything that waits now is committed, or the database does not let us. */
  async drain(): Promise<void> {
    while ((this.waiting.length > 0 || this.running !== undefined) && this.failures === 0) {
      clearTimeout(this.timer);
      this.timer = undefined;
      await (this.running ?? this.start());
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.drain();
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.running !== undefined || this.stopped) return;
    if (this.failures === 0 && this.waitingRows >= MAX_ROWS) {
      clearTimeout(this.timer);
      this.timer = undefined;
      void this.start();
      return;
    }
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined;
        void this.start();
      },
      this.failures === 0 ? WAIT_MS : (RETRY_MS[Math.min(this.failures, RETRY_MS.length) - 1] ?? 2_000),
    );
  }

  private start(): Promise<void> {
    if (this.waiting.length === 0) return Promise.resolve();
    this.running = this.run().finally(() => {
      this.running = undefined;
      if (this.waiting.length > 0) this.schedule();
    });
    return this.running;
  }

  private async run(): Promise<void> {
    const jobs = this.takeJobs();
    const began = this.firstAt;
    this.firstAt = performance.now();
    try {
      await this.commit(jobs);
      this.failures = 0;
      this.metrics.commitSeconds.observe((performance.now() - began) / 1000);
    } catch (error) {
      if (isDataError(error)) await this.commitOneByOne(jobs);
      else this.putBack(jobs, error);
    }
    this.metrics.waitingBatches.set(this.waiting.length);
  }

  private takeJobs(): CommitJob[] {
    let rows = 0;
    let count = 0;
    for (const job of this.waiting) {
      if (count > 0 && rows + job.batch.count > MAX_ROWS) break;
      rows += job.batch.count;
      count += 1;
    }
    const jobs = this.waiting.splice(0, count);
    this.waitingRows -= rows;
    for (const job of jobs) this.waitingBytes -= job.bytes;
    return jobs;
  }

  private putBack(jobs: CommitJob[], error: unknown): void {
    this.failures += 1;
    if (this.failures === 1) this.logger.error(error, 'The record cannot be written; trying again');
    this.waiting = [...jobs, ...this.waiting];
    for (const job of jobs) {
      this.waitingBytes += job.bytes;
      this.waitingRows += job.batch.count;
    }
  }

  /** One batch holds something that Postgres refuses: the others must not suffer for it. */
  private async commitOneByOne(jobs: CommitJob[]): Promise<void> {
    for (const [index, job] of jobs.entries()) {
      try {
        await this.commit([job]);
      } catch (error) {
        if (!isDataError(error)) {
          this.putBack(jobs.slice(index), error);
          return;
        }
        this.logger.error(error, 'A verified batch cannot be stored');
        job.refused(
          new RaypherError('internal/unexpected', 'A batch could not be stored.', { cause: error }),
        );
      }
    }
  }

  private async commit(jobs: CommitJob[]): Promise<void> {
    const receivedAt = new Date();
    const traced = jobs.map(({ span }) => span.child('ingest.commit', { 'raypher.batches': jobs.length }));
    const { placed, refused, positions, news } = await this.ledger.transaction(async (client) => {
      const deviceIds = [...new Set(jobs.map((job) => job.deviceId))];
      const most = jobs.reduce((sum, job) => sum + job.batch.count, 0);
      const { heads, positions: taken } = await this.ledger.lockHeads(client, deviceIds, most);
      const { moved, ...walked } = placeAll(jobs, heads);
      const fresh = walked.placed.filter((batch) => newIn(batch) > 0);
      if (fresh.length === 0) return { ...walked, positions: [], news: NO_NEWS };
      const copying = traced.map((span) =>
        span.child('postgres.copy', {
          'db.system.name': 'postgresql',
          'db.operation.name': 'COPY',
          'raypher.entries': fresh.reduce((sum, batch) => sum + newIn(batch), 0),
        }),
      );
      await this.ledger.copyEvents(client, receivedAt, fresh, taken);
      for (const span of copying) span.end();
      await this.ledger.storeBatches(client, fresh, moved);
      await this.ledger.storePrivateParts(client, receivedAt, fresh);
      const spend = fresh.flatMap((batch) => spendIn(batch, receivedAt));
      await this.spend.add(client, spend);
      const followed = fresh.flatMap(followedIn);
      await this.approvals.project(client, followed, receivedAt);
      const recorded = await this.incidents.record(client, receivedAt, followed);
      return { ...walked, positions: taken, news: recorded };
    });
    for (const span of traced) span.end();
    this.incidents.announce(news);
    let row = 0;
    for (const batch of placed) {
      const count = newIn(batch);
      this.metrics.events.inc(count);
      this.metrics.duplicates.inc(batch.from);
      batch.job.committed({ placed: batch, positions: positions.slice(row, row + count), receivedAt });
      row += count;
    }
    for (const { job, error } of refused) job.refused(error);
  }
}

/** SQLSTATE classes 22 (data exception) and 23 (integrity): trying again would fail again. */
function isDataError(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^2[23]/.test(error.code)
  );
}
