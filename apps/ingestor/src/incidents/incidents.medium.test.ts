import { randomBytes, randomUUID } from 'node:crypto';
import { commitPrivate } from '@raypher/ledger';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PrivatePurge } from '../jobs/private-purge.ts';
import { type SeededTenant, seedTenant } from '../testing/seed-tenant.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import type { TestClient } from '../testing/test-client.ts';

let api: TestApi;
let acme: TestOrganisation;
let globex: SeededTenant;
let admin: pg.Client;
let client: TestClient;
let device: string;
let seq = 0;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
  client = acme.administrator;
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
  globex = await seedTenant(admin, 'Globex');
  device = randomUUID();
  await admin.query(
    `INSERT INTO devices (id, organisation_id, hostname, os, kernel, arch, agent_version, identity_class, key_fingerprint,
        machine_id) VALUES ($1, $2, 'laptop', 'linux', '6.1', 'x64', '0.1.0', 'software', $3, 'm')`,
    [device, acme.id, randomBytes(32)],
  );
});
afterAll(async () => {
  await admin.end();
  await api.stop();
});

interface Wanted {
  outcome?: string;
  class?: string;
  lastAt?: Date;
  sample?: string;
  fingerprint?: Buffer;
  layer?: string;
  /** Days since its private part was stored. */
  age?: number;
}

/** An incident with one occurrence, as the link writes it. */
async function incident(wanted: Wanted = {}): Promise<string> {
  seq += 1;
  const at = wanted.lastAt ?? new Date();
  const part = commitPrivate(
    { samples: [wanted.sample ?? 'sk-p…Fh7j'], detectors: ['openai-api-key'] },
    'A'.repeat(43),
  );
  const entry = {
    v: 1,
    organisation: acme.id,
    device,
    seq,
    prev: '0'.repeat(64),
    at: at.toISOString(),
    type: 'dlp.found',
    severity: 'critical',
    actor: { kind: 'ai-agent', id: 'ab'.repeat(32), name: 'bot.py', user: 'ann' },
    action: 'send',
    target: 'api.example.com/v1',
    verdict: {
      outcome: 'DENY',
      mode: 'enforce',
      layer: wanted.layer ?? 'global',
      rule: 'no-credentials',
      reason: 'Credentials stay here.',
      revision: 3,
    },
    data: { host: 'api.example.com' },
    private: part.commitment,
  };
  await admin.query(
    `INSERT INTO events (organisation_id, device_id, seq, received_on, received_at, occurred_at, type, severity, actor_kind,
        actor_id, actor_name, action, target, outcome, mode, rule, policy_revision, hash, entry)
      VALUES ($1, $2, $3, (now() AT TIME ZONE 'UTC')::date, now(), $4, 'dlp.found', 'critical', 'ai-agent', $5, 'bot.py',
        'send', 'api.example.com/v1', 'DENY', 'enforce', 'no-credentials', 3, $6, $7)`,
    [acme.id, device, seq, at, entry.actor.id, randomBytes(32), JSON.stringify(entry)],
  );
  const { rows } = await admin.query(
    `INSERT INTO incidents (organisation_id, device_id, fingerprint, actor_kind, agent_id, agent_name, user_name, direction,
        host, provider, model, classes, detectors, places, outcome, would_block, severity, findings, occurrences, first_at,
        last_at, last_seq)
      VALUES ($1, $2, $3, 'ai-agent', $4, 'bot.py', 'ann', 'out', 'api.example.com', 'openai', 'gpt-x', $5,
        '{openai-api-key}', '{message}', $6, false, 'critical', 1, 1, $7, $7, $8) RETURNING id`,
    [
      acme.id,
      device,
      wanted.fingerprint ?? randomBytes(32),
      entry.actor.id,
      [wanted.class ?? 'credential'],
      wanted.outcome ?? 'block',
      at,
      seq,
    ],
  );
  const id: string = rows[0].id;
  await admin.query(
    `INSERT INTO incident_events (organisation_id, incident_id, device_id, seq, occurred_at, received_at, had_private)
      VALUES ($1, $2, $3, $4, $5, now(), true)`,
    [acme.id, id, device, seq, at],
  );
  await admin.query(
    `INSERT INTO event_private (organisation_id, device_id, seq, content, stored_at, expires_at)
      VALUES ($1, $2, $3, $4, now() - make_interval(days => $5), now() - make_interval(days => $5) + interval '30 days')`,
    [acme.id, device, seq, Buffer.from(part.content), wanted.age ?? 0],
  );
  return id;
}

const idsOf = (answer: { body: { items: { id: string }[] } }) => answer.body.items.map(({ id }) => id);

describe('incidents', () => {
  it('are listed newest first, in pages, by what is asked for', async () => {
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
    const first = await incident({ lastAt: at(1), class: 'payment' });
    const second = await incident({ lastAt: at(2), outcome: 'allow', class: 'payment' });
    const third = await incident({ lastAt: at(3), class: 'payment' });
    const page = await client.get('/v1/incidents?class=payment&limit=2');
    expect(idsOf(page)).toEqual([third, second]);
    const rest = await client.get(`/v1/incidents?class=payment&limit=2&cursor=${page.body.next}`);
    expect(idsOf(rest)).toEqual([first]);
    expect(rest.body.next).toBeNull();
    expect(idsOf(await client.get('/v1/incidents?class=payment&outcome=allow'))).toEqual([second]);
    expect(idsOf(await client.get('/v1/incidents?class=payment&host=elsewhere.example.com'))).toEqual([]);
    const until = await client.get(`/v1/incidents?class=payment&to=${at(3).toISOString()}`);
    expect(idsOf(until)).toEqual([second, first]);
  });

  it('show what, where, who and why, with the sample while it is there', async () => {
    const id = await incident();
    const { status, body } = await client.get(`/v1/incidents/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      hostname: 'laptop',
      agent: { name: 'bot.py', user: 'ann' },
      verdict: { rule: 'no-credentials', layer: 'global', revision: 3, reason: 'Credentials stay here.' },
      recent: [
        {
          event: { type: 'dlp.found', deviceId: device },
          samples: [{ detector: 'openai-api-key', sample: 'sk-p…Fh7j' }],
          erasedAt: null,
        },
      ],
    });
    expect(body.exception).toContain('rules: ["no-credentials"]');
  });

  it('have no exception to suggest where no document decided', async () => {
    const { body } = await client.get(`/v1/incidents/${await incident({ layer: 'builtin' })}`);
    expect(body.exception).toBeNull();
  });

  it('are decided about with a note, which is audited and stays', async () => {
    const id = await incident();
    expect(
      (await client.post(`/v1/incidents/${id}/status`, { status: 'false-positive', note: '' })).status,
    ).toBe(400);
    const note = 'A key of the documentation.';
    const decided = await client.post(`/v1/incidents/${id}/status`, {
      status: 'false-positive',
      note,
      assignee: 'ann',
    });
    expect(decided.body).toMatchObject({
      status: 'false-positive',
      assignee: 'ann',
      resolvedBy: expect.any(String),
    });
    await client.post(`/v1/incidents/${id}/status`, { status: 'open' });
    const { body } = await client.get(`/v1/incidents/${id}`);
    expect(body).toMatchObject({ status: 'open', assignee: 'ann', resolvedAt: null });
    expect(body.changes).toMatchObject([
      { status: 'false-positive', note },
      { status: 'open', note: '' },
    ]);
    const audit = await client.get('/v1/audit?limit=2');
    expect(audit.body.items[1]).toMatchObject({
      action: 'incident.update',
      reason: note,
      before: { status: 'open' },
      after: { status: 'false-positive' },
    });
  });

  it('cannot be reopened beside the one that went on', async () => {
    const fingerprint = randomBytes(32);
    const id = await incident({ fingerprint });
    await client.post(`/v1/incidents/${id}/status`, { status: 'resolved', note: 'rotated' });
    await incident({ fingerprint });
    expect((await client.post(`/v1/incidents/${id}/status`, { status: 'open' })).status).toBe(409);
  });

  it('are acknowledged together, those that are open', async () => {
    const [one, two] = [await incident(), await incident()];
    await client.post(`/v1/incidents/${two}/status`, { status: 'resolved', note: 'rotated' });
    const answer = await client.post('/v1/incidents/acknowledge', { ids: [one, two, randomUUID()] });
    expect(answer.body).toEqual({ acknowledged: 1 });
    expect((await client.get(`/v1/incidents/${two}`)).body.status).toBe('resolved');
    expect((await client.get(`/v1/incidents/${one}`)).body).toMatchObject({ status: 'acknowledged' });
  });

  it('are counted by day, class and outcome', async () => {
    const day = new Date(Date.UTC(2026, 2, 3, 12));
    await incident({ lastAt: day, class: 'wallet' });
    await incident({ lastAt: day, class: 'wallet', outcome: 'redact' });
    const query = 'class=wallet&from=2026-03-02T00:00:00Z&to=2026-03-04T00:00:00Z';
    const { body } = await client.get(`/v1/incidents/trend?${query}`);
    expect(body.days).toEqual([
      { day: '2026-03-02', classes: {}, outcomes: {} },
      { day: '2026-03-03', classes: { wallet: 2 }, outcomes: { block: 1, redact: 1 } },
    ]);
    expect((await client.get('/v1/incidents/trend?from=2020-01-01T00:00:00Z')).status).toBe(400);
    expect((await client.get('/v1/incidents/trend')).body.days).toHaveLength(30);
  });

  it('of another organisation are not there', async () => {
    const { rows } = await admin.query('SELECT id FROM incidents WHERE organisation_id = $1', [
      globex.organisation,
    ]);
    const foreign: string = rows[0].id;
    expect((await client.get(`/v1/incidents/${foreign}`)).status).toBe(404);
    expect((await client.post(`/v1/incidents/${foreign}/status`, { status: 'open' })).status).toBe(404);
    expect((await client.post(`/v1/incidents/${foreign}/erase`, { reason: 'mine now' })).status).toBe(404);
    const answer = await client.post('/v1/incidents/acknowledge', { ids: [foreign] });
    expect(answer.body).toEqual({ acknowledged: 0 });
  });
});

describe('masked samples', () => {
  const purge = () => api.app.get(PrivatePurge, { strict: false }).run();
  const occurrence = async (id: string) => (await client.get(`/v1/incidents/${id}`)).body.recent[0];

  it('are not shown after their time, and erased by the job, which the page then says; the entry stays', async () => {
    const [old, fresh] = [await incident({ age: 31 }), await incident({ age: 29 })];
    expect((await occurrence(old)).samples).toEqual([]);
    expect(await purge()).toBe(1);
    expect(await occurrence(old)).toMatchObject({
      samples: [],
      samplesUntil: null,
      erasedAt: expect.any(String),
      event: { type: 'dlp.found' },
    });
    expect((await occurrence(fresh)).samples).toHaveLength(1);
    expect(await purge()).toBe(0);
  });

  it('can be erased before their time, with a reason', async () => {
    const id = await incident();
    expect((await client.post(`/v1/incidents/${id}/erase`, {})).status).toBe(400);
    expect((await client.post(`/v1/incidents/${id}/erase`, { reason: 'asked by ann' })).body).toEqual({
      erased: 1,
    });
    expect(await occurrence(id)).toMatchObject({ samples: [], erasedAt: expect.any(String) });
    const { rows } = await admin.query(
      `SELECT count(*)::int AS n FROM event_private p JOIN incident_events o USING (device_id, seq) WHERE incident_id = $1`,
      [id],
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('are kept as long as the organisation says, also those that are there', async () => {
    const id = await incident({ age: 10 });
    expect((await client.get('/v1/settings/retention')).body).toEqual({
      days: 30,
      updatedAt: null,
      updatedBy: null,
    });
    const put = (days: number) =>
      client.request('PUT', '/v1/settings/retention', { days, reason: 'our policy' });
    expect((await put(366)).status).toBe(400);
    expect((await put(7)).body).toMatchObject({ days: 7 });
    await purge();
    expect((await occurrence(id)).erasedAt).toEqual(expect.any(String));
  });

  it('are not erased under a legal hold, by nobody', async () => {
    const id = await incident();
    await client.post('/v1/settings/legal-holds', { reason: 'A lawsuit' });
    const refused = await client.post(`/v1/incidents/${id}/erase`, { reason: 'asked by ann' });
    expect(refused.body.error).toMatchObject({
      code: 'request/conflict',
      message: expect.stringContaining('legal hold'),
    });
    expect((await occurrence(id)).erasedAt).toBeNull();
  });
});
