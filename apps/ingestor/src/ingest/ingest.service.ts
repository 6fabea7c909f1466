import { Injectable, Logger } from '@nestjs/common';
import type { ChainHead } from '@raypher/ledger';
import { type EventBatch, RaypherError } from '@raypher/shared';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { CREDIT_WINDOW, type DeviceStream } from '../link/device-stream.ts';
import { AlertsService } from './alerts.service.ts';
import { type CommitJob, CommitQueue } from './commit-queue.service.ts';
import type { EventRow } from './ledger.repository.ts';
import { LiveEventsService } from './live-events.service.ts';
import { type VerifiedBatch, verifyBatch } from './verify-batch.ts';

/** How long a device whose batches do not fit into memory is sent away, milliseconds. */
const OVERLOADED_MS = 5_000;

/** Event batches from a stream to the ledger. */
@Injectable()
export class IngestService {
  private readonly logger = new Logger('Ingest');

  constructor(
    private readonly queue: CommitQueue,
    private readonly live: LiveEventsService,
    private readonly alerts: AlertsService,
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
    try {
      const verified = verifyBatch(batch, identity);
      this.queue.add(new StreamCommit(this, stream, identity, verified));
    } catch (error) {
      if (!(error instanceof RaypherError)) throw error;
      this.refuse(stream, identity, error);
    }
  }

  committed(
    stream: DeviceStream,
    identity: DeviceIdentity,
    head: ChainHead,
    rows: readonly EventRow[],
    receivedAt: Date,
  ): void {
    stream.acknowledge(BigInt(head.seq), Buffer.from(head.hash, 'hex'), 1);
    if (rows.length > 0) this.live.add(identity, rows, receivedAt);
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
