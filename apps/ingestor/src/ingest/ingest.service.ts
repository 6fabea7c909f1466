import { Injectable, Logger } from '@nestjs/common';
import type { ChainHead } from '@raypher/ledger';
import { type EventBatch, RaypherError } from '@raypher/shared';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { CREDIT_WINDOW, type DeviceStream } from '../link/device-stream.ts';
import { AlertsService } from './alerts.service.ts';
import { ApprovalAnnouncer } from './approval-announcer.ts';
import { type CommitJob, CommitQueue } from './commit-queue.service.ts';
import type { EventRow } from './ledger.repository.ts';
import { LiveEventsService } from './live-events.service.ts';
import { privateBytes } from './private-parts.ts';
import { type VerifiedBatch, verifyBatch } from './verify-batch.ts';

/** How long a device whose batches do not fit into memory is sent away, milliseconds. */
const OVERLOADED_MS = 5_000;

/** How long batches are verified before others have their turn, milliseconds. */
const SLICE_MS = 4;
/** What may wait to be verified in this process, bytes of entries. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

interface Received {
  stream: DeviceStream;
  identity: DeviceIdentity;
  batch: EventBatch;
  /** Of all entries and private parts together. */
  bytes: number;
}

/**
 * Event batches from a stream to the ledger. Verifying one costs a signature and hundreds of hashes, so
 * it happens in slices of time: a policy or a freeze on its way to a fleet never waits behind the record.
 */
@Injectable()
export class IngestService {
  private readonly logger = new Logger('Ingest');
  private waiting: Received[] = [];
  private waitingBytes = 0;
  private readonly verifyNext = () => this.verifySlice();

  constructor(
    private readonly queue: CommitQueue,
    private readonly live: LiveEventsService,
    private readonly alerts: AlertsService,
    private readonly approvals: ApprovalAnnouncer,
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
    if (this.waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.refuse(
        stream,
        identity,
        new RaypherError('link/overloaded', 'More arrives than can be verified.'),
      );
      return;
    }
    this.waitingBytes += bytes;
    this.waiting.push({ stream, identity, batch, bytes });
    if (this.waiting.length === 1) setImmediate(this.verifyNext);
  }

  committed(
    stream: DeviceStream,
    identity: DeviceIdentity,
    head: ChainHead,
    rows: readonly EventRow[],
    receivedAt: Date,
  ): void {
    stream.acknowledge(BigInt(head.seq), Buffer.from(head.hash, 'hex'), 1);
    if (rows.length === 0) return;
    this.live.add(identity, rows, receivedAt);
    this.approvals.announce(identity, rows);
  }

  private verifySlice(): void {
    const until = performance.now() + SLICE_MS;
    let done = 0;
    for (const received of this.waiting) {
      this.verify(received);
      this.waitingBytes -= received.bytes;
      done += 1;
      if (performance.now() > until) break;
    }
    this.waiting = this.waiting.slice(done);
    if (this.waiting.length > 0) setImmediate(this.verifyNext);
  }

  private verify({ stream, identity, batch }: Received): void {
    if (stream.ended) return;
    try {
      this.queue.add(new StreamCommit(this, stream, identity, verifyBatch(batch, identity)));
    } catch (error) {
      this.refuse(
        stream,
        identity,
        error instanceof RaypherError
          ? error
          : new RaypherError('internal/unexpected', 'A batch could not be verified.', { cause: error }),
      );
    }
  }

  /** Ends the stream of a device; what it sent is not stored. */
  refuse(stream: DeviceStream, identity: DeviceIdentity, error: RaypherError): void {
    // Batches behind a refused one fail with it; one refusal is enough.
    if (stream.ended) return;
    this.logger.warn({ device: identity.deviceId, code: error.code, details: error.details }, error.message);
    if (error.code.startsWith('ledger/')) void this.alerts.ledgerFault(identity, error);
    stream.end(error, error.code === 'link/overloaded' ? OVERLOADED_MS : undefined);
  }
}

/** One batch of one stream in the commit queue. */
class StreamCommit implements CommitJob {
  readonly organisationId: string;
  readonly deviceId: string;

  constructor(
    private readonly service: IngestService,
    private readonly stream: DeviceStream,
    private readonly identity: DeviceIdentity,
    readonly batch: VerifiedBatch,
  ) {
    this.organisationId = identity.organisationId;
    this.deviceId = identity.deviceId;
  }

  committed(head: ChainHead, rows: readonly EventRow[], receivedAt: Date): void {
    this.service.committed(this.stream, this.identity, head, rows, receivedAt);
  }

  refused(error: RaypherError): void {
    this.service.refuse(this.stream, this.identity, error);
  }
}
