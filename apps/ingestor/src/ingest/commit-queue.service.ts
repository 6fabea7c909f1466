import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { ChainHead } from '@raypher/ledger';
import { RaypherError } from '@raypher/shared';
import { notAdmitted } from '../link/device-directory.service.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { ApprovalsProjection } from './approvals.repository.ts';
import { fitToChain } from './fit-to-chain.ts';
import { IncidentsService, NO_NEWS } from './incidents.service.ts';
import { type EventRow, LedgerRepository, type StoredHead } from './ledger.repository.ts';
import { SpendRepository } from './spend.repository.ts';
import { spendOf } from './spend-rows.ts';
import { brokenChain, type VerifiedBatch } from './verify-batch.ts';

/** A batch on its way into the ledger. */
export interface CommitJob {
  organisationId: string;
  deviceId: string;
  batch: VerifiedBatch;
  /** Everything up to this head is durable; `rows` are those that this batch added. */
  committed(head: ChainHead, rows: readonly EventRow[], receivedAt: Date): void;
  /** Nothing of the batch was stored. */
  refused(error: RaypherError): void;
}

interface Outcome {
  job: CommitJob;
  head: ChainHead;
  rows: EventRow[];
}

/** A micro-batch is committed when its first batch is this old, or when it has this many rows. */
const WAIT_MS = 10;
const MAX_ROWS = 2_000;
/** What may wait for the database in this process, bytes of entries. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
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
  ) {}

  /** @throws RaypherError `link/overloaded` when too much waits already. */
  add(job: CommitJob): void {
    if (this.waitingBytes + job.batch.bytes > MAX_WAITING_BYTES || this.stopped) {
      throw new RaypherError('link/overloaded', 'The record cannot be written fast enough right now.', {
        hint: 'Keep the entries and send them again later.',
      });
    }
    if (this.waiting.length === 0) this.firstAt = performance.now();
    this.waiting.push(job);
    this.waitingBytes += job.batch.bytes;
    this.waitingRows += job.batch.entries.length;
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
      if (count > 0 && rows + job.batch.entries.length > MAX_ROWS) break;
      rows += job.batch.entries.length;
      count += 1;
    }
    const jobs = this.waiting.splice(0, count);
    this.waitingRows -= rows;
    for (const job of jobs) this.waitingBytes -= job.batch.bytes;
    return jobs;
  }

  private putBack(jobs: CommitJob[], error: unknown): void {
    this.failures += 1;
    if (this.failures === 1) this.logger.error(error, 'The record cannot be written; trying again');
    this.waiting = [...jobs, ...this.waiting];
    for (const job of jobs) {
      this.waitingBytes += job.batch.bytes;
      this.waitingRows += job.batch.entries.length;
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
    const refusals: { job: CommitJob; error: RaypherError }[] = [];
    let news = NO_NEWS;
    const outcomes = await this.ledger.transaction(async (client) => {
      refusals.length = 0;
      const deviceIds = [...new Set(jobs.map((job) => job.deviceId))];
      const heads: Map<string, StoredHead> = await this.ledger.lockHeads(client, deviceIds);
      const moved = new Map<string, ChainHead>();
      const placed = placeAll(jobs, heads, moved, refusals);
      const rows = placed.flatMap((outcome) => outcome.rows);
      if (rows.length > 0) {
        const positions = await this.ledger.takePositions(client, rows.length);
        for (const [index, row] of rows.entries()) row.position = positions[index] ?? row.position;
        await this.ledger.copyEvents(client, receivedAt, rows);
        await this.ledger.storePrivateParts(client, receivedAt, rows);
        await this.spend.add(client, spendOf(rows, receivedAt));
        await this.ledger.moveHeads(client, moved);
        await this.approvals.project(client, rows, receivedAt);
      }
      news = await this.incidents.record(client, receivedAt, rows);
      return placed;
    });
    this.incidents.announce(news);
    for (const { job, head, rows } of outcomes) {
      this.metrics.events.inc(rows.length);
      this.metrics.duplicates.inc(job.batch.entries.length - rows.length);
      job.committed(head, rows, receivedAt);
    }
    for (const { job, error } of refusals) job.refused(error);
  }
}

/** Walks the jobs in the order of arrival; a device that failed once gets nothing more stored. */
function placeAll(
  jobs: readonly CommitJob[],
  heads: Map<string, StoredHead>,
  moved: Map<string, ChainHead>,
  refusals: { job: CommitJob; error: RaypherError }[],
): Outcome[] {
  const outcomes: Outcome[] = [];
  const failed = new Set<string>();
  for (const job of jobs) {
    const stored = heads.get(job.deviceId);
    const error = failed.has(job.deviceId)
      ? brokenChain({ kind: 'gap', expectedSeq: (stored?.seq ?? 0) + 1, foundSeq: job.batch.firstSeq })
      : undefined;
    const outcome = error ?? place(job, stored);
    if (outcome instanceof RaypherError) {
      failed.add(job.deviceId);
      refusals.push({ job, error: outcome });
      continue;
    }
    if (outcome.rows.length > 0) {
      moved.set(job.deviceId, outcome.head);
      heads.set(job.deviceId, { ...outcome.head, status: 'active' });
    }
    outcomes.push(outcome);
  }
  return outcomes;
}

function place(job: CommitJob, stored: StoredHead | undefined): Outcome | RaypherError {
  if (stored === undefined) {
    return new RaypherError('device/certificate-unknown', 'This device has no ledger here.');
  }
  if (stored.status !== 'active') return notAdmitted(stored.status);
  const fit = fitToChain(stored, job.batch);
  switch (fit.kind) {
    case 'fault':
      return brokenChain(fit.fault);
    case 'repeated':
      return { job, head: { seq: stored.seq, hash: stored.hash }, rows: [] };
    case 'extends':
      return {
        job,
        head: fit.head,
        rows: job.batch.entries.slice(fit.from).map(({ value, hash }) => ({
          organisationId: job.organisationId,
          deviceId: job.deviceId,
          position: '',
          entry: value,
          hash,
          private: job.batch.privateParts.get(value.seq),
        })),
      };
  }
}

/** SQLSTATE classes 22 (data exception) and 23 (integrity): trying again would fail again. */
function isDataError(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^2[23]/.test(error.code)
  );
}
