/**
 * All that spans may say. A list, and not any string, so that what people typed, names, addresses, ids of people or
 * devices and secrets have no way into a system that others run.
 */
export interface SpanAttributes {
  'http.request.method'?: string;
  /** As the router has it, `/v1/devices/:id`; never the path. */
  'http.route'?: string;
  'http.response.status_code'?: number;
  'db.system.name'?: 'postgresql';
  'db.operation.name'?: 'COPY' | 'TRANSACTION';
  'raypher.entries'?: number;
  'raypher.bytes'?: number;
  'raypher.batches'?: number;
  'raypher.topic'?: string;
  /** A code of packages/shared/src/errors.ts. */
  'raypher.error.code'?: string;
}

export type SpanName =
  | 'rest.request'
  | 'postgres.transaction'
  | 'outbox.publish'
  | 'link.nudge'
  | 'link.deliver'
  | 'link.receive'
  | 'ingest.verify'
  | 'ingest.commit'
  | 'postgres.copy'
  | 'link.acknowledge';

/** A part of the work on one request or batch; does nothing while it is not traced. */
export interface TracedSpan {
  /** W3C Trace Context; undefined while it is not traced. */
  readonly traceparent: string | undefined;
  child(name: SpanName, attributes?: SpanAttributes): TracedSpan;
  /** @param attributes what is known only now. An error's code marks it as failed. */
  end(attributes?: SpanAttributes): void;
}

export const NOT_TRACED: TracedSpan = {
  traceparent: undefined,
  child: () => NOT_TRACED,
  end: () => undefined,
};
