import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Phase, StateKind } from '@raypher/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../audit/audit.repository.ts';
import { MembersService } from '../tenancy/members.service.ts';
import { Installation } from '../testing/installation.ts';
import { TestClient } from '../testing/test-client.ts';
import { type CollectedSpan, TraceCollector } from '../testing/trace-collector.ts';
import { NOT_TRACED } from './traced-span.ts';
import { TracingService } from './tracing.service.ts';

const ORIGIN = 'http://localhost:3000';

let collector: TraceCollector;
let installation: Installation;

beforeAll(async () => {
  collector = await TraceCollector.start();
  installation = await Installation.start({
    linkEnvironment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  });
});
afterAll(async () => {
  await installation.stop();
  await collector.stop();
});

const traceparent = () => {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, text: `00-${traceId}-${spanId}-01` };
};

/** Of each span the name of the one above it. */
function parents(spans: CollectedSpan[]): Record<string, string | undefined> {
  return Object.fromEntries(
    spans.map(({ name, parentSpanId }) => [name, spans.find(({ spanId }) => spanId === parentSpanId)?.name]),
  );
}

async function administrator(): Promise<{ client: TestClient; email: string; password: string }> {
  const email = 'grace.hopper@example.test';
  const { password } = await installation.api
    .get(MembersService, { strict: false })
    .create(installation.organisationId, SYSTEM, { name: 'Grace Hopper', email, role: 'ciso', teamId: null });
  // It listens on TCP, so its address is an AddressInfo.
  const { port } = installation.api.getHttpServer().address() as AddressInfo;
  const client = new TestClient(`http://127.0.0.1:${port}`, { origin: ORIGIN });
  const answer = await client.post('/api/auth/sign-in/email', { email, password });
  expect(answer.status).toBe(200);
  const cookies = answer.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0]);
  return { client: client.with({ cookie: cookies.join('; ') }), email, password };
}

describe('a batch of events that a device traces', () => {
  it('is one trace from the device to the COPY in Postgres and back to the acknowledgement', async () => {
    const device = await installation.enrolDevice();
    const stream = await device.open(installation.linkPort);
    const trace = traceparent();
    const batch = { ...device.batch(device.record(3), 1), traceparent: trace.text };
    stream.send({ $case: 'events', value: batch });
    await stream.durable(3);
    await expect.poll(() => collector.of(trace.traceId).length).toBe(5);
    const spans = collector.of(trace.traceId);
    expect(spans.find(({ name }) => name === 'link.receive')?.parentSpanId).toBe(trace.spanId);
    expect(parents(spans)).toEqual({
      'link.receive': undefined,
      'ingest.verify': 'link.receive',
      'ingest.commit': 'link.receive',
      'postgres.copy': 'ingest.commit',
      'link.acknowledge': 'link.receive',
    });
    const copy = spans.find(({ name }) => name === 'postgres.copy');
    expect(copy).toMatchObject({
      service: 'raypher-link',
      attributes: { 'db.system.name': 'postgresql', 'db.operation.name': 'COPY', 'raypher.entries': 3 },
    });
    stream.close();
    device.close();
  });

  it('says which code a refusal has', async () => {
    const device = await installation.enrolDevice();
    const stream = await device.open(installation.linkPort);
    const trace = traceparent();
    const batch = { ...device.batch(device.record(1), 1), traceparent: trace.text };
    batch.signature = Buffer.alloc(batch.signature.length);
    stream.send({ $case: 'events', value: batch });
    await stream.ended;
    await expect.poll(() => collector.of(trace.traceId).length).toBe(2);
    for (const span of collector.of(trace.traceId)) {
      expect(span).toMatchObject({
        failed: true,
        attributes: { 'raypher.error.code': 'ledger/signature-invalid' },
      });
    }
    device.close();
  });

  it('is not traced for whatever else a device says, nor more often than 20 times a second', async () => {
    const tracing = installation.link.get(TracingService);
    for (const wrong of [
      undefined,
      '',
      'x'.repeat(10_000),
      `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
      `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
      `00-${'A'.repeat(32)}-${'1'.repeat(16)}-01`,
      `00-${'a'.repeat(32)}-${'1'.repeat(16)}-00`,
      `01-${'a'.repeat(32)}-${'1'.repeat(16)}-01`,
      `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01\n`,
    ]) {
      expect(tracing.joinDevice('link.receive', wrong), String(wrong).slice(0, 60)).toBe(NOT_TRACED);
    }
    const started = Array.from({ length: 200 }, () => tracing.joinDevice('link.receive', traceparent().text));
    // The burst may fall into two seconds.
    expect(started.filter((span) => span !== NOT_TRACED).length).toBeLessThanOrEqual(40);
  });
});

describe('a change that a person orders', () => {
  it('is one trace: request, transaction, outbox, nudge, and the device that runs it', async () => {
    const { client } = await administrator();
    const device = await installation.enrolDevice();
    const stream = await device.open(installation.linkPort);
    const reason = 'Because of what Ada wrote to ada@example.test';
    const answer = await client.post('/v1/freezes', {
      selector: { kind: 'library', name: 'a-very-private-library' },
      reason,
      confirm: 'Test organisation',
    });
    expect(answer.status).toBe(201);
    const { freeze } = await stream.next('desired');
    if (freeze === undefined) throw new Error('there was no freeze in it');
    stream.send({
      $case: 'ack',
      value: {
        kind: StateKind.STATE_KIND_FREEZE,
        revision: freeze.revision,
        digest: freeze.digest,
        phase: Phase.PHASE_APPLIED,
        code: '',
        detail: '',
        affected: 0,
      },
    });
    await expect.poll(() => collector.spans.some(({ name }) => name === 'link.deliver')).toBe(true);
    const delivered = collector.spans.find(({ name }) => name === 'link.deliver');
    const spans = () => collector.of(delivered?.traceId ?? '');
    // Two processes send their spans, in parts.
    await expect
      .poll(() => spans().map(({ name }) => name))
      .toEqual(expect.arrayContaining(['rest.request', 'link.nudge']));
    await expect
      .poll(() => parents(spans()))
      .toMatchObject({
        'rest.request': undefined,
        'postgres.transaction': 'rest.request',
        'outbox.publish': 'postgres.transaction',
        'link.nudge': 'outbox.publish',
        'link.deliver': 'link.nudge',
      });
    expect(spans().find(({ name }) => name === 'rest.request')).toMatchObject({
      service: 'raypher-api',
      parentSpanId: '',
      attributes: { 'http.route': '/v1/freezes', 'http.response.status_code': 201 },
    });
    stream.close();
    device.close();
  });
});

describe('what leaves for the collector', () => {
  it('holds nobody and no secret: names, addresses, reasons, ids of devices and organisations, passwords, cookies', async () => {
    expect(collector.spans.length).toBeGreaterThan(10);
    for (const word of [
      'Hopper',
      '@example.test',
      'private-library',
      'Because',
      'Test organisation',
      'laptop',
    ]) {
      expect(collector.raw.includes(word), word).toBe(false);
    }
    expect(collector.raw).not.toContain(installation.organisationId);
    const known = new Set([
      'http.request.method',
      'http.route',
      'http.response.status_code',
      'db.system.name',
      'db.operation.name',
      'raypher.entries',
      'raypher.bytes',
      'raypher.batches',
      'raypher.topic',
      'raypher.error.code',
    ]);
    const named = collector.spans.flatMap(({ attributes }) => Object.keys(attributes));
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('without a collector', () => {
  it('nothing is traced', async () => {
    const plain = await Installation.start();
    try {
      const tracing = plain.api.get(TracingService);
      expect(tracing.start('rest.request')).toBe(NOT_TRACED);
      expect(tracing.joinDevice('link.receive', traceparent().text)).toBe(NOT_TRACED);
    } finally {
      await plain.stop();
    }
  });

  it('that answers, everything works, and the program stops without waiting for it', async () => {
    const gone = await TraceCollector.start();
    const { url } = gone;
    await gone.stop();
    const lonely = await Installation.start({ linkEnvironment: { OTEL_EXPORTER_OTLP_ENDPOINT: url } });
    const device = await lonely.enrolDevice();
    const stream = await device.open(lonely.linkPort);
    stream.send({
      $case: 'events',
      value: { ...device.batch(device.record(1), 1), traceparent: traceparent().text },
    });
    await stream.durable(1);
    stream.close();
    device.close();
    const before = performance.now();
    await lonely.stop();
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});
