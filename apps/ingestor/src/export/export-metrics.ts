import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { MetricsService } from '../metrics/metrics.service.ts';

/** Numbers of the export, by destination. */
@Injectable()
export class ExportMetrics {
  readonly #sent: Counter;
  readonly #failed: Counter;
  readonly #behind: Gauge;
  readonly #behindSeconds: Gauge;

  constructor({ registry }: MetricsService) {
    const shape = { labelNames: ['destination'], registers: [registry] };
    this.#sent = new Counter({
      name: 'raypher_export_events_total',
      help: 'Events that a receiver confirmed',
      ...shape,
    });
    this.#failed = new Counter({
      name: 'raypher_export_failures_total',
      help: 'Batches that a receiver did not confirm',
      ...shape,
    });
    this.#behind = new Gauge({
      name: 'raypher_export_behind_entries',
      help: 'Entries of the log that were not confirmed yet',
      ...shape,
    });
    this.#behindSeconds = new Gauge({
      name: 'raypher_export_behind_seconds',
      help: 'Age of the oldest of them',
      ...shape,
    });
  }

  sent(destination: string, events: number): void {
    this.#sent.inc({ destination }, events);
  }

  failed(destination: string): void {
    this.#failed.inc({ destination });
  }

  /** Replaces what was known: a destination that is gone has no number any more. */
  behind(all: readonly { destination: string; entries: number; seconds: number }[]): void {
    this.#behind.reset();
    this.#behindSeconds.reset();
    for (const { destination, entries, seconds } of all) {
      this.#behind.set({ destination }, entries);
      this.#behindSeconds.set({ destination }, seconds);
    }
  }
}
