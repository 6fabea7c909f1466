import { Injectable } from '@nestjs/common';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The numbers of one process, in Prometheus' text format on `/metrics`. */
@Injectable()
export class MetricsService {
  readonly registry = new Registry();

  readonly streams = new Gauge({
    name: 'raypher_link_streams',
    help: 'Device streams that are open and past Hello',
    registers: [this.registry],
  });
  readonly streamsOpened = new Counter({
    name: 'raypher_link_opened_total',
    help: 'Device streams that got past Hello',
    registers: [this.registry],
  });
  readonly streamsClosed = new Counter({
    name: 'raypher_link_closed_total',
    help: 'Streams past Hello that ended, by the code we ended them with; "left" when the device or the network did',
    labelNames: ['code'],
    registers: [this.registry],
  });
  readonly refusedConnects = new Counter({
    name: 'raypher_link_refused_total',
    help: 'Streams refused or ended by us, by code',
    labelNames: ['code'],
    registers: [this.registry],
  });
  readonly events = new Counter({
    name: 'raypher_ingest_events_total',
    help: 'Ledger entries committed',
    registers: [this.registry],
  });
  readonly duplicates = new Counter({
    name: 'raypher_ingest_duplicates_total',
    help: 'Ledger entries that had been committed before',
    registers: [this.registry],
  });
  readonly commitSeconds = new Histogram({
    name: 'raypher_ingest_commit_seconds',
    help: 'Time from the first batch of a micro-batch to its commit',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [this.registry],
  });
  readonly waitingBatches = new Gauge({
    name: 'raypher_ingest_waiting_batches',
    help: 'Event batches verified and not yet committed',
    registers: [this.registry],
  });
  readonly ackSeconds = new Histogram({
    name: 'raypher_ingest_ack_seconds',
    help: 'Time from the arrival of an event batch to its acknowledgement',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });
  readonly applySeconds = new Histogram({
    name: 'raypher_state_apply_seconds',
    help: 'Time from the nudge to APPLIED, by kind of state',
    labelNames: ['kind'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30],
    registers: [this.registry],
  });

  readonly httpSeconds = new Histogram({
    name: 'raypher_http_request_seconds',
    help: 'Time to answer a request, by method, route (never a path with ids in it) and class of status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  private readonly pools = new Map<string, () => { total: number; idle: number; waiting: number }>();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    const { pools } = this;
    new Gauge({
      name: 'raypher_database_connections',
      help: 'Connections to Postgres by pool and state; "waiting" counts work that has none yet',
      labelNames: ['pool', 'state'],
      registers: [this.registry],
      collect() {
        for (const [pool, read] of pools) {
          const { total, idle, waiting } = read();
          this.set({ pool, state: 'used' }, total - idle);
          this.set({ pool, state: 'idle' }, idle);
          this.set({ pool, state: 'waiting' }, waiting);
        }
      },
    });
  }

  /**
   * A number that is looked up at every scrape.
   *
   * @param read must not wait for anything.
   */
  watch(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** Connections of a pool to Postgres, by what they do; requests that wait for one, as "waiting". */
  watchPool(pool: string, read: () => { total: number; idle: number; waiting: number }): void {
    this.pools.set(pool, read);
  }
}
