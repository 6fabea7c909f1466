import { NOT_TRACED, type SpanAttributes, type SpanName, type TracedSpan } from './traced-span.ts';
import { formatTraceparent } from './traceparent.ts';

export interface SpanStarter {
  start(
    name: SpanName,
    attributes: SpanAttributes,
    parent: { traceId: string; spanId: string } | undefined,
  ): TracedSpan;
  /** Sends what waits, a few seconds at most. */
  stop(): Promise<void>;
}

/** While a collector is away its spans are dropped, not kept without a bound. */
const MAX_WAITING = 2_048;
const EVERY_MS = 1_000;
const GOODBYE_MS = 2_000;

/**
 * Loads OpenTelemetry and exports spans over OTLP/HTTP.
 *
 * @param endpoint the collector's base URL; `/v1/traces` is added (OpenTelemetry Protocol 1.x, "OTLP/HTTP").
 */
export async function startExporting(endpoint: string, role: 'api' | 'link'): Promise<SpanStarter> {
  const [api, sdk, { resourceFromAttributes }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: GOODBYE_MS,
  });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': `raypher-${role}` }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({ exporter, maxQueueSize: MAX_WAITING, scheduledDelayMillis: EVERY_MS }),
    ],
  });
  const tracer = provider.getTracer('raypher');

  const start: SpanStarter['start'] = (name, attributes, parent) => {
    const context =
      parent === undefined
        ? api.ROOT_CONTEXT
        : api.trace.setSpanContext(api.ROOT_CONTEXT, {
            ...parent,
            traceFlags: api.TraceFlags.SAMPLED,
            isRemote: true,
          });
    const span = tracer.startSpan(name, { attributes: { ...attributes } }, context);
    const own = span.spanContext();
    let ended = false;
    return {
      traceparent: formatTraceparent(own),
      child: (childName, childAttributes = {}) =>
        ended ? NOT_TRACED : start(childName, childAttributes, { traceId: own.traceId, spanId: own.spanId }),
      end: (more = {}) => {
        if (ended) return;
        ended = true;
        span.setAttributes({ ...more });
        if (more['raypher.error.code'] !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR });
        span.end();
      },
    };
  };
  return {
    start,
    stop: async () => {
      // A collector that is away is not a reason to fail, nor to wait.
      await provider.shutdown().catch(() => undefined);
    },
  };
}
