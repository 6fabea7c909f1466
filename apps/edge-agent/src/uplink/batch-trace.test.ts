import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestControlPlane } from '../testing/test-control-plane.ts';
import { TestFleet } from '../testing/test-fleet.ts';
import { BatchTracer } from './batch-trace.ts';

interface Exported {
  resourceSpans: { scopeSpans: { spans: { traceId: string; spanId: string; name: string }[] }[] }[];
}

let collector: Server;
let url: string;
let received: { path: string; text: string }[];

beforeEach(async () => {
  received = [];
  collector = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    request.on('end', () => {
      received.push({ path: `${request.method} ${request.url}`, text });
      response.end('{}');
    });
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  // It listens on TCP, so its address is an AddressInfo.
  url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});
afterEach(() => {
  collector.close();
  collector.closeAllConnections();
});

function spans() {
  return received.flatMap(({ text }) => {
    // The body that we sent ourselves.
    const { resourceSpans } = JSON.parse(text) as Exported;
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  });
}

test('one batch in a hundred is traced, and exported once it is durable', async () => {
  const tracer = new BatchTracer(`${url}/`);
  const traced = Array.from({ length: 201 }, (_, index) => tracer.sending(index + 1, 1)).map(Boolean);
  expect(traced.flatMap((is, index) => (is ? [index] : []))).toEqual([0, 100, 200]);
  tracer.durable(150);
  await tracer.exported;
  expect(received.map(({ path }) => path)).toEqual(['POST /v1/traces']);
  expect(spans()).toHaveLength(2);
  tracer.durable(150);
  tracer.durable(201);
  await tracer.exported;
  expect(spans()).toHaveLength(3);
});

test('what the control plane gets with the batch names the exported span, and nothing that was recorded is exported', async () => {
  const plane = await TestControlPlane.start();
  const fleet = await TestFleet.enrol(plane);
  try {
    const tracer = new BatchTracer(url);
    const device = fleet.open('agent.db', tracer);
    await device.ledger.record({
      type: 'network.request',
      severity: 'info',
      actor: { kind: 'ai-agent', id: 'agent', name: 'zoe-private-agent' },
      action: 'call',
      target: 'private.example.com/v1',
      data: {},
    });
    await fleet.connect(device);
    await plane.durable(1);
    const batch = plane.received.find((body) => body.$case === 'events');
    const [, traceId, spanId] =
      /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(batch?.value.traceparent ?? '') ?? [];
    await expect.poll(() => spans()).toMatchObject([{ traceId, spanId, name: 'uplink.send-batch' }]);
    const text = received.map((each) => each.text).join();
    expect(text).not.toMatch(/private|zoe/);
    expect(text).not.toContain(fleet.enrolment.device);
  } finally {
    await fleet.close();
    await plane.stop();
  }
});

test('nothing is traced unless somebody named a collector', () => {
  for (const endpoint of [undefined, '', 'collector:4318', 'file:///etc/passwd', 'http://']) {
    expect(BatchTracer.from({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }), String(endpoint)).toBeUndefined();
  }
  expect(BatchTracer.from({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' })).toBeDefined();
});

test('a collector that is away disturbs nobody', async () => {
  collector.close();
  await once(collector, 'close');
  const tracer = new BatchTracer(url);
  tracer.sending(1, 1);
  tracer.durable(1);
  await expect(tracer.exported).resolves.toBeUndefined();
});
