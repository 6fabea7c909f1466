import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { CONFIG } from '../config/config.module.ts';
import type { Config } from '../config/config.ts';
import { type SpanStarter, startExporting } from './exporting.ts';
import { NOT_TRACED, type SpanAttributes, type SpanName, type TracedSpan } from './traced-span.ts';
import { parseTraceparent } from './traceparent.ts';

/** Traces that others may start here, per second: a device that asks for one with every batch gets no more. */
const FOREIGN_PER_SECOND = 20;

/**
 * Where spans begin. Off, and then nothing of OpenTelemetry is even loaded, unless OTEL_EXPORTER_OTLP_ENDPOINT is set.
 */
@Injectable()
export class TracingService implements OnModuleInit, OnApplicationShutdown {
  private starter: SpanStarter | undefined;
  private foreign = 0;
  private second = 0;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  async onModuleInit(): Promise<void> {
    const { otlpEndpoint, role } = this.config;
    if (otlpEndpoint !== undefined) this.starter = await startExporting(otlpEndpoint, role);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.starter?.stop();
  }

  /** A trace that begins with us. */
  start(name: SpanName, attributes: SpanAttributes = {}): TracedSpan {
    return this.starter?.start(name, attributes, undefined) ?? NOT_TRACED;
  }

  /**
   * Goes on with a trace that another process of ours began.
   *
   * @param traceparent what it sent; without one, or when it is none, nothing is traced.
   */
  join(name: SpanName, traceparent: string | undefined, attributes: SpanAttributes = {}): TracedSpan {
    const parent = this.starter === undefined ? undefined : parseTraceparent(traceparent);
    return parent === undefined ? NOT_TRACED : (this.starter?.start(name, attributes, parent) ?? NOT_TRACED);
  }

  /** {@link TracingService.join} for what a device sent: so many a second and no more. */
  joinDevice(name: SpanName, traceparent: string | undefined, attributes: SpanAttributes = {}): TracedSpan {
    if (this.starter === undefined || parseTraceparent(traceparent) === undefined || !this.allows()) {
      return NOT_TRACED;
    }
    return this.join(name, traceparent, attributes);
  }

  private allows(): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.second) {
      this.second = second;
      this.foreign = 0;
    }
    this.foreign += 1;
    return this.foreign <= FOREIGN_PER_SECOND;
  }
}
