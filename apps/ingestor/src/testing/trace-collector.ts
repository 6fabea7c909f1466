import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const Value = z.looseObject({
  stringValue: z.string().optional(),
  intValue: z.union([z.string(), z.number()]).optional(),
  doubleValue: z.number().optional(),
});
const Attributes = z.array(z.looseObject({ key: z.string(), value: Value }));

/** `ExportTraceServiceRequest` in OTLP's JSON encoding: what is looked at here. */
const ExportRequest = z.looseObject({
  resourceSpans: z.array(
    z.looseObject({
      resource: z.looseObject({ attributes: Attributes }),
      scopeSpans: z.array(
        z.looseObject({
          spans: z.array(
            z.looseObject({
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().default(''),
              name: z.string(),
              attributes: Attributes.default([]),
              status: z.looseObject({ code: z.number().optional() }).default({}),
            }),
          ),
        }),
      ),
    }),
  ),
});

export interface CollectedSpan {
  service: string;
  traceId: string;
  spanId: string;
  /** Empty for the first of a trace. */
  parentSpanId: string;
  name: string;
  attributes: Record<string, string | number | undefined>;
  failed: boolean;
}

/** An OpenTelemetry collector: takes spans over OTLP/HTTP and keeps them for a test. */
export class TraceCollector {
  readonly spans: CollectedSpan[] = [];
  /** Everything that was sent, to look for what must not be there. */
  raw = '';

  private constructor(private readonly server: Server) {}

  static async start(): Promise<TraceCollector> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const wanted = request.method === 'POST' && request.url === '/v1/traces';
        if (wanted) collector.take(Buffer.concat(chunks).toString('utf8'));
        response.writeHead(wanted ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
      });
    });
    const collector = new TraceCollector(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return collector;
  }

  get url(): string {
    // It listens on TCP, so its address is an AddressInfo.
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  of(traceId: string): CollectedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
  }

  private take(text: string): void {
    this.raw += text;
    for (const { resource, scopeSpans } of ExportRequest.parse(JSON.parse(text)).resourceSpans) {
      const service = String(plain(resource.attributes)['service.name']);
      for (const { spans } of scopeSpans) {
        for (const { traceId, spanId, parentSpanId, name, attributes, status } of spans) {
          const failed = status.code === 2;
          this.spans.push({
            service,
            traceId,
            spanId,
            parentSpanId,
            name,
            attributes: plain(attributes),
            failed,
          });
        }
      }
    }
  }
}

function plain(attributes: z.infer<typeof Attributes>): Record<string, string | number | undefined> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? (value.intValue === undefined ? value.doubleValue : Number(value.intValue)),
    ]),
  );
}
