import { randomBytes } from 'node:crypto';

/** Of so many batches one is traced; the first one too, so that a person who turns it on sees that it works. */
const EVERY = 100;
/** A collector that is away must not hold anything up. */
const EXPORT_WITHIN_MS = 5_000;
/** Traced batches without an acknowledgement. */
const MAX_OPEN = 16;
/** Nanoseconds since the epoch do not fit into a number. */
const NS_PER_MS = 1_000_000n;
/** `SpanKind` of OTLP: we asked somebody and waited for the answer. */
const CLIENT = 3;

/** The trace of one batch, from its sending until it is known to be durable. */
export interface BatchTrace {
  /** W3C Trace Context §3.2; it goes with the batch. */
  traceparent: string;
  lastSeq: number;
}

interface OpenTrace extends BatchTrace {
  traceId: string;
  spanId: string;
  beganMs: number;
  entries: number;
}

/**
 * Traces a few of the batches that the device sends, for whoever set OTEL_EXPORTER_OTLP_ENDPOINT on it. One span each,
 * `uplink.send-batch`, in OTLP's JSON encoding: a number of entries and two times, nothing of what is in them. The
 * agent carries no OpenTelemetry library for that.
 */
export class BatchTracer {
  readonly #endpoint: string;
  #open: OpenTrace[] = [];
  #count = 0;
  /** The export under way. */
  exported: Promise<void> = Promise.resolve();

  /** @param endpoint base URL of a collector (OTLP/HTTP). */
  constructor(endpoint: string) {
    this.#endpoint = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  }

  /** @returns undefined unless the environment names a collector by an http or https URL. */
  static from(environment: NodeJS.ProcessEnv): BatchTracer | undefined {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = environment;
    return /^https?:\/\/\S+$/.test(endpoint ?? '') ? new BatchTracer(endpoint ?? '') : undefined;
  }

  /** @returns undefined for batches that are not traced, which are most. */
  sending(lastSeq: number, entries: number): BatchTrace | undefined {
    const turn = this.#count % EVERY;
    this.#count += 1;
    if (turn !== 0 || this.#open.length >= MAX_OPEN) return undefined;
    const traceId = randomBytes(16).toString('hex');
    const spanId = randomBytes(8).toString('hex');
    const trace = {
      traceparent: `00-${traceId}-${spanId}-01`,
      traceId,
      spanId,
      lastSeq,
      entries,
      beganMs: Date.now(),
    };
    this.#open.push(trace);
    return trace;
  }

  /** Everything through this entry is durable. */
  durable(through: number): void {
    const done = this.#open.filter(({ lastSeq }) => lastSeq <= through);
    if (done.length === 0) return;
    this.#open = this.#open.filter(({ lastSeq }) => lastSeq > through);
    this.exported = this.#export(done, Date.now());
  }

  /** The stream ended: what was on its way is sent again, as another batch. */
  forget(): void {
    this.#open = [];
  }

  async #export(traces: readonly OpenTrace[], endedMs: number): Promise<void> {
    const spans = traces.map(({ traceId, spanId, beganMs, entries }) => ({
      traceId,
      spanId,
      name: 'uplink.send-batch',
      kind: CLIENT,
      startTimeUnixNano: String(BigInt(beganMs) * NS_PER_MS),
      endTimeUnixNano: String(BigInt(endedMs) * NS_PER_MS),
      attributes: [{ key: 'raypher.entries', value: { intValue: String(entries) } }],
    }));
    const service = { key: 'service.name', value: { stringValue: 'raypher-edge-agent' } };
    const body = {
      resourceSpans: [
        { resource: { attributes: [service] }, scopeSpans: [{ scope: { name: 'raypher' }, spans }] },
      ],
    };
    try {
      const response = await fetch(this.#endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.timeout(EXPORT_WITHIN_MS),
      });
      await response.body?.cancel();
    } catch {
      // A trace that is lost is not worth a line in the log of a device.
    }
  }
}
