import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation } from '../testing/installation.ts';
import { dashboardQueries, headings, rules } from '../testing/monitoring-files.ts';
import { metricNames } from '../testing/prom-ql.ts';

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.start();
});
afterAll(() => installation.stop());

async function scrape(app: NestExpressApplication): Promise<string[]> {
  // It listens on TCP, so its address is an AddressInfo.
  const { port } = app.getHttpServer().address() as AddressInfo;
  return (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).split('\n');
}

async function sampleOf(app: NestExpressApplication, sample: string): Promise<number | undefined> {
  const line = (await scrape(app)).find((each) => each.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length));
}

/** Names that can be asked for: a histogram is three. */
async function namesOf(app: NestExpressApplication): Promise<string[]> {
  return (await scrape(app)).flatMap((line) => {
    const [, name, type] = /^# TYPE (\S+) (\S+)/.exec(line) ?? [];
    if (name === undefined) return [];
    return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
  });
}

describe('the numbers of the link', () => {
  it('follow a device: its stream, its events, how long they waited, and that it left', async () => {
    const { link } = installation;
    const device = await installation.enrolDevice();
    const stream = await device.open(installation.linkPort);
    stream.send({ $case: 'events', value: device.batch(device.record(3), 1) });
    await stream.durable(3);
    expect(await sampleOf(link, 'raypher_link_streams')).toBe(1);
    expect(await sampleOf(link, 'raypher_link_opened_total')).toBe(1);
    expect(await sampleOf(link, 'raypher_ingest_events_total')).toBe(3);
    expect(await sampleOf(link, 'raypher_ingest_ack_seconds_count')).toBe(1);
    expect(await sampleOf(link, 'raypher_ingest_waiting_bytes')).toBe(0);
    expect(await sampleOf(link, 'raypher_database_connections{pool="ingest",state="waiting"}')).toBe(0);
    stream.close();
    await expect.poll(() => sampleOf(link, 'raypher_link_closed_total{code="left"}')).toBe(1);
    device.close();
  });

  it('tell a stream that a newer one replaced from one that left', async () => {
    const device = await installation.enrolDevice();
    const first = await device.open(installation.linkPort);
    const second = await device.open(installation.linkPort);
    await first.ended;
    await expect
      .poll(() => sampleOf(installation.link, 'raypher_link_closed_total{code="device/replaced"}'))
      .toBe(1);
    second.close();
    device.close();
  });
});

describe('the numbers of the REST side', () => {
  it('say how far ahead there are partitions, when the certificate ends, and that jobs ran', async () => {
    const { api } = installation;
    const until = (await sampleOf(api, 'raypher_event_partitions_until_seconds')) ?? 0;
    expect((until - Date.now() / 1000) / 86_400).toBeGreaterThan(6);
    const certificate = (await sampleOf(api, 'raypher_server_certificate_until_seconds')) ?? 0;
    expect((certificate - Date.now() / 1000) / 86_400).toBeGreaterThan(80);
    expect(await sampleOf(api, 'raypher_job_success_seconds{job="event-partitions"}')).toBeGreaterThan(0);
    expect(await sampleOf(api, 'raypher_redis_up')).toBe(1);
    expect(await sampleOf(api, 'raypher_outbox_lag_seconds')).toBeLessThan(10);
    await expect.poll(() => sampleOf(api, 'raypher_jobs{state="delayed"}')).toBeGreaterThan(0);
  });

  it('name routes and never paths: nobody outside makes up values, or puts ids into them', async () => {
    // It listens on TCP, so its address is an AddressInfo.
    const { port } = installation.api.getHttpServer().address() as AddressInfo;
    const id = 'b2b0f3f4-0000-4000-8000-000000000001';
    for (const path of [`/v1/devices/${id}`, `/made-up-${id}`])
      await fetch(`http://127.0.0.1:${port}${path}`);
    await fetch(`http://127.0.0.1:${port}/v1/devices/${id}`, { method: 'PROPFIND' });
    const lines = (await scrape(installation.api)).filter((line) =>
      line.includes('http_request_seconds_count'),
    );
    expect(lines.join('\n')).toContain('route="/v1/devices/:id"');
    expect(lines.join('\n')).toContain('route="none"');
    expect(lines.join('\n')).not.toMatch(/b2b0f3f4|PROPFIND/);
  });
});

describe('dashboards and alerts', () => {
  it('ask only for metrics that are there', async () => {
    const known = new Set([...(await namesOf(installation.api)), ...(await namesOf(installation.link))]);
    const queries = [...(await dashboardQueries()), ...(await rules()).map(({ expr }) => expr)];
    expect(queries.length).toBeGreaterThan(40);
    for (const query of queries) {
      const names = metricNames(query);
      expect(names.length, query).toBeGreaterThan(0);
      expect(
        names.filter((name) => !known.has(name)),
        query,
      ).toEqual([]);
    }
  });

  it('notice that the link is gone by a metric that the REST side does not have', async () => {
    const gone = (await rules()).find(({ alert }) => alert === 'RaypherLinkGone');
    const [name = ''] = metricNames(gone?.expr ?? '');
    expect(await namesOf(installation.link)).toContain(name);
    expect(await namesOf(installation.api)).not.toContain(name);
  });

  it('would be refused with a mistake in the language, or a metric that nobody has', () => {
    for (const wrong of ['sum(rate(a_total[5m])', 'rate(a_total[5 minutes])', 'sum by le (a)', 'a{b=}']) {
      expect(() => metricNames(wrong), wrong).toThrow();
    }
    expect(metricNames('sum by (le) (rate(a_bucket{b="c"}[5m])) / on (x) d offset 5m')).toEqual([
      'a_bucket',
      'd',
    ]);
  });

  it('lead from each alert to a part of the runbook', async () => {
    const known = await headings('docs/runbook.md');
    for (const { alert, runbook } of await rules()) {
      const [file, anchor] = runbook.split('#');
      expect([file, known], alert).toEqual(['docs/runbook.md', expect.arrayContaining([anchor])]);
    }
  });
});
