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
  readonly applySeconds = new Histogram({
    name: 'raypher_state_apply_seconds',
    help: 'Time from the nudge to APPLIED, by kind of state',
    labelNames: ['kind'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 30],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }
}
