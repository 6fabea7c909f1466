import { Injectable, Logger } from '@nestjs/common';
import type { ChainHead } from '@raypher/ledger';
import { type EventBatch, RaypherError } from '@raypher/shared';
import { asRaypherError } from '../errors/http-error.filter.ts';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { CREDIT_WINDOW, type DeviceStream } from '../link/device-stream.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import type { TracedSpan } from '../tracing/traced-span.ts';
import { TracingService } from '../tracing/tracing.service.ts';
import { AlertsService } from './alerts.service.ts';
import { ApprovalAnnouncer } from './approval-announcer.ts';
import { type Commit, type CommitJob, CommitQueue } from './commit-queue.service.ts';
import { LiveEventsService } from './live-events.service.ts';
import { followedIn } from './placed-batch.ts';
import { privateBytes } from './private-parts.ts';
import type { VerifiedBatch } from './verify-batch.ts';
import { VerifyPool } from './verify-pool.service.ts';

/** How long a device whose batches do not fit into memory is sent away, milliseconds. */
const OVERLOADED_MS = 5_000;
/** Bytes of entries that this process may hold until they are committed. What comes then is refused. */
const MOST_HELD = 128 * 1024 * 1024;
/** Beyond this, devices that sent something are not listened to until what is held is down to half of it. */
const PLENTY_HELD = 48 * 1024 * 1024;

interface Received {
  sent: EventBatch;
  /** Of all entries and private parts together. */
  bytes: number;
  /** Of its arrival, on the clock of `performance`. */
  at: number;
  span: TracedSpan;
}

/** Event batches from a stream to the ledger: counted, verified elsewhere, committed together with those of others. */
@Injectable()
export class IngestService {
  private readonly logger = new Logger('Ingest');
  private held = 0;
  private readonly unheard = new Set<DeviceStream>();
  private readonly verifying = new Set<Promise<void>>();

  constructor(
    private readonly verifier: VerifyPool,
    private readonly queue: CommitQueue,
    private readonly live: LiveEventsService,
    private readonly alerts: AlertsService,
    private readonly approvals: ApprovalAnnouncer,
    private readonly metrics: MetricsService,
    private readonly tracing: TracingService,
  ) {}

  /** Tells the device where its ledger ends here and lets it send. */
  welcome(stream: DeviceStream, head: ChainHead): void {
    stream.acknowledge(BigInt(head.seq), Buffer.from(head.hash, 'hex'), CREDIT_WINDOW);
  }

  receive(stream: DeviceStream, identity: DeviceIdentity, batch: EventBatch): void {
    if (stream.credits <= 0) {
      this.refuse(
        stream,
        identity,
        new RaypherError('link/protocol', 'The device sent more batches than it has credits for.'),
      );
      return;
    }
    stream.credits -= 1;
    const bytes = batch.entries.reduce((sum, entry) => sum + entry.length, privateBytes(batch));
    if (this.held + bytes > MOST_HELD) {
      this.refuse(stream, identity, new RaypherError('link/overloaded', 'More arrives than can be stored.'));
      return;
    }
    this.hold(stream, bytes);
    const span = this.tracing.joinDevice('link.receive', batch.traceparent, {
      'raypher.entries': batch.entries.length,
      'raypher.bytes': bytes,
    });
    const received = { sent: batch, bytes, at: performance.now(), span };
    const verified = this.verify(stream, identity, received).finally(() => this.verifying.delete(verified));
    this.verifying.add(verified);
  }

  /** Resolves when everything that was received is committed, or the database does not let us. */
  async drain(): Promise<void> {
    await Promise.all(this.verifying);
    await this.queue.drain();
  }

  /** @param at when the batch arrived, on the clock of `performance` */
  committed(stream: DeviceStream, identity: DeviceIdentity, commit: Commit, at: number): void {
    const { head } = commit.placed;
    stream.acknowledge(BigInt(head.seq), Buffer.from(head.hash, 'hex'), 1);
    this.metrics.ackSeconds.observe((performance.now() - at) / 1000);
    if (commit.positions.length === 0) return;
    this.live.add(identity, commit);
    this.approvals.announce(identity, followedIn(commit.placed));
  }

  /** Ends the stream of a device; what it sent is not stored. */
  refuse(stream: DeviceStream, identity: DeviceIdentity, error: RaypherError): void {
    // Batches behind a refused one fail with it; one refusal is enough.
    if (stream.ended) return;
    this.logger.warn({ device: identity.deviceId, code: error.code, details: error.details }, error.message);
    if (error.code.startsWith('ledger/')) void this.alerts.ledgerFault(identity, error);
    stream.end(error, error.code === 'link/overloaded' ? OVERLOADED_MS : undefined);
  }

  /** A batch is committed or refused. */
  release(bytes: number): void {
    this.held -= bytes;
    if (this.held > PLENTY_HELD / 2) return;
    for (const stream of this.unheard) if (!stream.ended) stream.line.resume();
    this.unheard.clear();
  }

  private hold(stream: DeviceStream, bytes: number): void {
    this.held += bytes;
    if (this.held <= PLENTY_HELD || this.unheard.has(stream)) return;
    // The transport tells the device to wait; nothing is lost, and nobody has to come back.
    this.unheard.add(stream);
    stream.line.pause();
  }

  private async verify(stream: DeviceStream, identity: DeviceIdentity, received: Received): Promise<void> {
    const { sent, bytes, span } = received;
    const verifying = span.child('ingest.verify');
    try {
      const batch = await this.verifier.verify(sent, identity);
      verifying.end();
      // One before it was refused.
      if (stream.ended) this.release(bytes);
      else this.queue.add(new StreamCommit(this, stream, identity, received, batch));
    } catch (cause) {
      const error = asRaypherError(cause);
      verifying.end({ 'raypher.error.code': error.code });
      span.end({ 'raypher.error.code': error.code });
      this.release(bytes);
      this.refuse(stream, identity, error);
    }
  }
}

/** One batch of one stream in the commit queue. */
class StreamCommit implements CommitJob {
  readonly organisationId: string;
  readonly deviceId: string;
  readonly sent: EventBatch;
  readonly bytes: number;
  readonly span: TracedSpan;

  constructor(
    private readonly service: IngestService,
    private readonly stream: DeviceStream,
    private readonly identity: DeviceIdentity,
    private readonly received: Received,
    readonly batch: VerifiedBatch,
  ) {
    this.organisationId = identity.organisationId;
    this.deviceId = identity.deviceId;
    this.sent = received.sent;
    this.bytes = received.bytes;
    this.span = received.span;
  }

  committed(commit: Commit): void {
    this.service.release(this.bytes);
    const acknowledging = this.span.child('link.acknowledge');
    this.service.committed(this.stream, this.identity, commit, this.received.at);
    acknowledging.end();
    this.span.end();
  }

  refused(error: RaypherError): void {
    this.span.end({ 'raypher.error.code': error.code });
    this.service.release(this.bytes);
    this.service.refuse(this.stream, this.identity, error);
  }
}
