import { randomBytes, randomUUID } from 'node:crypto';
import { periodAt } from '@raypher/policy';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import type { TestClient } from '../testing/test-client.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';
const POLICY = `apiVersion: raypher/v1
mode: enforce
timezone: Europe/Berlin
network: { default: allow }
financial:
  limits:
    - { id: all, per: month, scope: organisation, amount: 100, warn_at: 0.8 }
    - { id: teams, per: day, scope: team, amount: 10 }
    - { id: each, per: day, scope: agent, amount: 5 }
    - { id: call, per: request, scope: organisation, amount: 1 }
`;

let api: TestApi;
let acme: TestOrganisation;
let admin: pg.Client;
let red: string;
let blue: string;
let laptop: string;
let manager: TestClient;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
  red = (await acme.administrator.post('/v1/teams', { name: 'Red' })).body.id;
  blue = (await acme.administrator.post('/v1/teams', { name: 'Blue' })).body.id;
  laptop = await device('laptop', red);
  const server = await device('server', blue);
  await spent('2026-11-01', laptop, red, {
    agent: 'bot',
    provider: 'openai',
    model: 'gpt-5',
    exact: 3_000_000,
  });
  await spent('2026-11-03', laptop, red, { agent: 'bot', provider: 'mystery', model: 'x', unknown: 4 });
  await spent('2026-11-03', server, blue, {
    agent: 'cat',
    provider: 'anthropic',
    model: 'opus',
    exact: 1_000_000,
    estimated: 7_000_000,
  });
  manager = await api.member(acme, 'manager', red);
  const deployed = await acme.administrator.post('/v1/policies/deploy', {
    documents: [{ layer: 'global', source: POLICY }],
    basedOn: 1,
    reason: 'limits of spending',
    confirm: 'Acme',
  });
  expect(deployed.status).toBe(201);
});
afterAll(async () => {
  await admin?.end();
  await api?.stop();
});

async function device(hostname: string, team: string): Promise<string> {
  const id = randomUUID();
  await admin.query(
    `INSERT INTO devices (id, organisation_id, team_id, hostname, os, kernel, arch, agent_version, identity_class,
       key_fingerprint, machine_id, identity_reason) VALUES ($1, $2, $3, $4, 'Linux', '6', 'x64', '0', 'software', $5, 'm', 'r')`,
    [id, acme.id, team, hostname, randomBytes(32)],
  );
  return id;
}

function spent(
  day: string,
  deviceId: string,
  team: string,
  row: {
    agent: string;
    provider: string;
    model: string;
    exact?: number;
    estimated?: number;
    unknown?: number;
  },
) {
  return admin.query(
    `INSERT INTO spend_daily VALUES ($1, $2, $3, $4, $5, $6, 'kim', $7, $8, 10, 100, 50, 5, $9, $10, $11)`,
    [
      acme.id,
      day,
      team,
      deviceId,
      row.agent,
      `${row.agent}.py`,
      row.provider,
      row.model,
      row.exact ?? 0,
      row.estimated ?? 0,
      row.unknown ?? 0,
    ],
  );
}

const NOVEMBER = 'from=2026-11-01&to=2026-11-30';

describe('what calls cost', () => {
  it('is broken down by provider, the dearest first; unknown is counted and in no sum', async () => {
    const { status, body } = await acme.administrator.get(`/v1/spend?${NOVEMBER}`);
    expect(status).toBe(200);
    expect(body.totals).toEqual({
      calls: 30,
      inputTokens: 300,
      outputTokens: 150,
      cachedTokens: 15,
      exactMicros: 4_000_000,
      estimatedMicros: 7_000_000,
      unknownCalls: 4,
    });
    expect(body.rows.map(({ key }: { key: string }) => key)).toEqual(['anthropic', 'openai', 'mystery']);
    expect(body.rows[0]).toMatchObject({
      exactMicros: 1_000_000,
      estimatedMicros: 7_000_000,
      unknownCalls: 0,
    });
    expect(body.more).toBe(0);
  });

  it.each([
    ['team', () => blue, 'Blue'],
    ['device', () => undefined, 'server'],
    ['agent', () => 'cat', 'cat.py'],
    ['user', () => 'kim', 'kim'],
    ['model', () => 'opus', 'opus'],
  ])('is broken down by %s', async (group, key, name) => {
    const { body } = await acme.administrator.get(`/v1/spend?${NOVEMBER}&group=${group}`);
    expect(body.rows[0]).toMatchObject({ name, ...(key() === undefined ? {} : { key: key() }) });
  });

  it('has every day of the range in its series', async () => {
    const { body } = await acme.administrator.get('/v1/spend/series?from=2026-11-01&to=2026-11-04');
    const days = body.days.map((row: Record<string, unknown>) => [
      row.day,
      row.exactMicros,
      row.unknownCalls,
    ]);
    expect(days).toEqual([
      ['2026-11-01', 3_000_000, 0],
      ['2026-11-02', 0, 0],
      ['2026-11-03', 1_000_000, 4],
      ['2026-11-04', 0, 0],
    ]);
  });

  it('shows a manager the own team alone', async () => {
    const { body } = await manager.get(`/v1/spend?${NOVEMBER}&group=team`);
    expect(body.rows.map(({ name }: { name: string }) => name)).toEqual(['Red']);
    expect(body.totals.exactMicros).toBe(3_000_000);
    const series = await manager.get('/v1/spend/series?from=2026-11-03&to=2026-11-03');
    expect(series.body.days).toMatchObject([{ exactMicros: 0, unknownCalls: 4 }]);
    const teamless = await api.member(acme, 'manager');
    expect((await teamless.get(`/v1/spend?${NOVEMBER}`)).body.rows).toEqual([]);
  });

  it('of another organisation is not seen', async () => {
    const other = await api.found('Other');
    const { body } = await other.administrator.get(`/v1/spend?${NOVEMBER}`);
    expect(body).toMatchObject({ rows: [], totals: { calls: 0 } });
  });

  it.each([
    'from=2026-11-02&to=2026-11-01',
    'from=2020-01-01&to=2026-11-01',
    'from=yesterday',
    'group=colour',
  ])('refuses %s', async (query) => {
    expect((await acme.administrator.get(`/v1/spend?${query}`)).status).toBe(400);
  });
});

describe('budgets', () => {
  it('are the limits of the running policy with what devices told and hold', async () => {
    const { startsAt, endsAt } = periodAt('month', 'Europe/Berlin', Date.now());
    const key = [acme.id, NOBODY, 'all', 'month', 'organisation', '', new Date(startsAt)];
    await admin.query(
      `INSERT INTO budget_counters VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 100000000, 30000000, 45000000)`,
      [...key, new Date(endsAt)],
    );
    await admin.query(
      `INSERT INTO budget_leases VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 's', 45000000, 30000000, 0, 3, now(), now())`,
      [...key, laptop],
    );
    const { body } = await acme.administrator.get('/v1/budgets');
    expect(body.revision).toBe(2);
    expect(body.limits).toMatchObject([
      {
        id: 'all',
        counted: 'shared',
        amountMicros: 100_000_000,
        warnAtMicros: 80_000_000,
        resetsAt: new Date(endsAt).toISOString(),
        counters: [
          {
            subject: null,
            spentMicros: 30_000_000,
            lentMicros: 15_000_000,
            remainingMicros: 55_000_000,
            devices: [{ hostname: 'laptop', spentMicros: 30_000_000, lentMicros: 15_000_000 }],
          },
        ],
      },
      { id: 'teams', counted: 'shared', counters: [] },
      { id: 'each', counted: 'device', counters: [] },
      { id: 'call', counted: 'call', resetsAt: null },
    ]);
    const seen = await (await api.member(acme, 'manager', blue)).get('/v1/budgets');
    expect(seen.body.limits[0].counters[0]).toMatchObject({ spentMicros: 30_000_000, devices: [] });
  });
});

describe("the organisation's own prices", () => {
  const prices = {
    version: 1,
    models: [{ provider: 'openai', model: 'gpt-9*', rates: { input: 2_500_000, output: 10_000_000 } }],
  };
  const put = (more: object) =>
    acme.administrator.request('PUT', '/v1/prices', {
      prices,
      reason: 'our own contract',
      confirm: 'Acme',
      ...more,
    });

  it('travel with the policy, signed, as a new revision of it', async () => {
    expect((await put({})).status).toBe(200);
    expect((await acme.administrator.get('/v1/prices')).body).toMatchObject({ prices });
    expect((await acme.administrator.get('/v1/policies/running')).body.revision).toBe(3);
    const { rows } = await admin.query(
      `SELECT payload FROM state_bundles WHERE organisation_id = $1 AND kind = 'policy' AND team_id IS NULL ORDER BY revision`,
      [acme.id],
    );
    const payloads = rows.map(({ payload }) => JSON.parse(payload.toString('utf8')));
    expect(payloads.map(({ prices: sent }) => sent)).toEqual([undefined, undefined, prices]);
    const audit = await acme.administrator.get('/v1/audit');
    expect(audit.body.items).toContainEqual(
      expect.objectContaining({ action: 'prices.change', before: null, after: { prices } }),
    );
  });

  it.each([
    [
      'a fraction of a micro-dollar',
      { prices: { version: 1, models: [{ ...prices.models[0], rates: { input: 0.5, output: 1 } }] } },
    ],
    [
      'no price of answers',
      { prices: { version: 1, models: [{ ...prices.models[0], rates: { input: 1 } }] } },
    ],
    ['a star in the middle', { prices: { version: 1, models: [{ ...prices.models[0], model: 'g*t' }] } }],
    ['another organisation', { confirm: 'Other' }],
    ['no reason', { reason: '' }],
  ])('are refused with %s, and nothing is sent', async (_, wrong) => {
    expect((await put(wrong)).status).toBe(400);
    expect((await acme.administrator.get('/v1/policies/running')).body.revision).toBe(3);
  });
});
