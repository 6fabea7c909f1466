import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { LedgerEntry } from '@raypher/shared';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApprovalsProjection } from '../ingest/approvals.repository.ts';
import { LIVE_CHANNEL } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { decidedEntry, requestedEntry } from '../testing/approval-entries.ts';
import { ChatService } from '../testing/chat-service.ts';
import { TestApi, type TestOrganisation, WEB_ORIGIN } from '../testing/test-api.ts';
import type { TestClient } from '../testing/test-client.ts';
import { WebhookSender } from './webhook-sender.ts';

let api: TestApi;
let acme: TestOrganisation;
let rival: TestOrganisation;
let admin: pg.Client;
let ingest: pg.Pool;
let device: string;
let second: TestClient;
let seq = 0;

beforeAll(async () => {
  api = await TestApi.start();
  [acme, rival] = [await api.found('Acme'), await api.found('Rival')];
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
  ingest = new pg.Pool({ connectionString: api.database.urls.ingest });
  device = await addDevice(acme.id);
  second = await api.member(acme, 'admin');
});
afterAll(async () => {
  await Promise.all([admin.end(), ingest.end()]);
  await api.stop();
});

async function addDevice(organisation: string, team: string | null = null): Promise<string> {
  const { rows } = await admin.query(
    `INSERT INTO devices (organisation_id, team_id, hostname, os, kernel, arch, agent_version, identity_class, key_fingerprint,
        machine_id) VALUES ($1, $2, 'laptop', 'linux', '6.1', 'x64', '0.1.0', 'software', $3, 'm') RETURNING id`,
    [organisation, team, randomBytes(32)],
  );
  return rows[0].id;
}

/** As the link stores entries of a device, with the link's own rights. */
async function record(
  entries: Record<string, unknown>[],
  from = device,
  organisation = acme.id,
): Promise<void> {
  const rows = entries.map((entry) => {
    seq += 1;
    const checked = LedgerEntry.parse({
      v: 1,
      organisation,
      device: from,
      seq,
      prev: '0'.repeat(64),
      at: new Date().toISOString(),
      ...entry,
    });
    return {
      organisationId: organisation,
      deviceId: from,
      entry: checked,
      hasPrivate: false,
    };
  });
  const client = await ingest.connect();
  try {
    await new ApprovalsProjection().project(client, rows, new Date());
  } finally {
    client.release();
  }
}

async function ask(
  change: Record<string, unknown> = {},
  from = device,
  organisation = acme.id,
  entry: Record<string, unknown> = {},
): Promise<string> {
  const id = randomUUID();
  // Longer than all tests take: what waits in one of them is counted in another.
  const asked = { approval: id, timeoutSeconds: 3_600, ...change };
  await record([{ ...requestedEntry(asked), ...entry }], from, organisation);
  return id;
}

const yes = { outcome: 'allow', scope: 'once', reason: 'It is needed.' };
const decide = (client: TestClient, id: string, body: Record<string, unknown> = yes) =>
  client.post(`/v1/approvals/${id}/decide`, body);

async function orders(approval: string): Promise<Record<string, unknown>[]> {
  const { rows } = await admin.query(
    `SELECT payload FROM commands WHERE verb = 'decide-approval' ORDER BY created_at`,
  );
  return rows
    .map(({ payload }) => JSON.parse(payload.toString()).arguments)
    .filter((given) => given.approval === approval);
}

describe('the table of questions', () => {
  it('follows the ledger of the device: asked, then ended', async () => {
    const id = await ask();
    const { body } = await acme.administrator.get(`/v1/approvals/${id}`);
    expect(body).toMatchObject({
      state: 'pending',
      device: { hostname: 'laptop', team: null },
      actor: { name: 'bot', pid: 42, user: 'dev' },
      details: null,
      rule: 'ask-first',
      onTimeout: 'DENY',
      approversNeeded: 1,
      votes: [],
      end: null,
    });
    await record([decidedEntry(id)]);
    const ended = await acme.administrator.get(`/v1/approvals/${id}`);
    expect(ended.body).toMatchObject({
      state: 'timed-out',
      end: { how: 'timeout', by: null, waitedMs: 120_000 },
    });
    // How it ended first is how it ended.
    await record([decidedEntry(id, { how: 'person', outcome: 'ALLOW', by: 'mallory' })]);
    expect((await acme.administrator.get(`/v1/approvals/${id}`)).body.state).toBe('timed-out');
  });

  it('takes both from one batch, and nothing that another device says', async () => {
    const id = randomUUID();
    await record([requestedEntry({ approval: id }), decidedEntry(id, { how: 'withdrawn' })]);
    expect((await acme.administrator.get(`/v1/approvals/${id}`)).body.state).toBe('withdrawn');
    const open = await ask();
    const other = await addDevice(acme.id);
    await record([decidedEntry(open, { how: 'person', outcome: 'ALLOW' })], other);
    await record([requestedEntry({ approval: open })], other);
    const { body } = await acme.administrator.get(`/v1/approvals/${open}`);
    expect([body.state, body.device.id]).toEqual(['pending', device]);
    await record([decidedEntry(open)]);
  });

  it.each([
    { approval: 'x' },
    { timeoutSeconds: 1e9 },
    { onTimeout: 'MAYBE' },
    { approversNeeded: 0 },
    { approversNeeded: 3 },
  ])('is left alone by an entry that does not say what it should: %j', async (change) => {
    await record([requestedEntry(change)]);
    const { body } = await acme.administrator.get('/v1/approvals?state=pending');
    expect(body.items).toEqual([]);
  });

  it('shows what stands beside the entry, made harmless, until it is erased', async () => {
    const id = await ask({}, device, acme.id, { target: 'a\u202eb' });
    const beside = { details: { model: 'a\u202eb\u0000c', list: ['\u0007'], '\u0000': 1 }, salt: 'x' };
    const keep = (content: unknown) =>
      admin.query(
        `INSERT INTO event_private (organisation_id, device_id, seq, content, stored_at, expires_at)
          VALUES ($1, $2, $3, $4, now(), now() + interval '1 day')
          ON CONFLICT (device_id, seq) DO UPDATE SET content = EXCLUDED.content`,
        [acme.id, device, seq, Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))],
      );
    const details = async () => (await acme.administrator.get(`/v1/approvals/${id}`)).body.details;
    await keep(beside);
    expect(await details()).toEqual({ model: 'a\ufffdb\ufffdc', list: ['\ufffd'], '\ufffd': 1 });
    for (const nonsense of ['not JSON', { details: 1 }, { details: { deep: { er: 1 } } }, []]) {
      await keep(nonsense);
      expect(await details()).toBeNull();
    }
    await admin.query('DELETE FROM event_private WHERE device_id = $1', [device]);
    expect(await details()).toBeNull();
    expect((await acme.administrator.get(`/v1/approvals/${id}`)).body.target).toBe('a\ufffdb');
    await record([decidedEntry(id, { reason: '\u0000' })]);
  });

  it('is not filled by one device', async () => {
    const hostile = await addDevice(acme.id);
    for (let batch = 0; batch < 3; batch += 1) {
      await record(
        Array.from({ length: 300 }, () => requestedEntry({ approval: randomUUID() })),
        hostile,
      );
    }
    const { rows } = await admin.query('SELECT count(*)::int AS count FROM approvals WHERE device_id = $1', [
      hostile,
    ]);
    expect(rows[0].count).toBe(200);
    await admin.query('DELETE FROM approvals WHERE device_id = $1', [hostile]);
  });

  it('keeps what people said out of the hands of the link, and how it ended out of those of the REST side', async () => {
    const app = new pg.Client({ connectionString: api.database.urls.app });
    await app.connect();
    try {
      for (const [client, change] of [
        [ingest, `votes = '[]'`],
        [ingest, 'sent_at = now()'],
        [app, `how = 'person'`],
        [app, `outcome = 'ALLOW'`],
        [app, 'approvers_needed = 1'],
      ] as const) {
        await expect(client.query(`UPDATE approvals SET ${change}`), change).rejects.toMatchObject({
          code: '42501',
        });
      }
      await expect(ingest.query('SELECT votes FROM approvals')).rejects.toMatchObject({ code: '42501' });
    } finally {
      await app.end();
    }
  });
});

describe('an answer', () => {
  it('is signed for the device, recorded with the person and the reason, and given once', async () => {
    const id = await ask();
    const { status, body } = await decide(acme.administrator, id, { ...yes, scope: 'minutes', minutes: 30 });
    expect([status, body.state]).toEqual([200, 'sent']);
    const me = (await acme.administrator.get('/v1/me')).body;
    expect(body.votes).toMatchObject([{ by: me.email, outcome: 'allow', scope: 'minutes', minutes: 30 }]);
    expect(await orders(id)).toEqual([
      { approval: id, outcome: 'allow', scope: 'minutes', minutes: 30, by: me.email },
    ]);
    const again = await decide(second, id, { ...yes, outcome: 'deny' });
    expect([again.status, again.body.error.code]).toEqual([409, 'approval/decided']);
    expect(again.body.error.message).toContain(me.email);
    const audit = (await acme.administrator.get('/v1/audit')).body.items;
    expect(audit.map(({ action }: { action: string }) => action)).toEqual(
      expect.arrayContaining(['approval.allow', 'command.decide-approval']),
    );
    await record([
      decidedEntry(id, { how: 'person', outcome: 'ALLOW', by: me.email, scope: 'minutes', minutes: 30 }),
    ]);
    expect((await second.get(`/v1/approvals/${id}`)).body).toMatchObject({
      state: 'allowed',
      end: { by: me.email },
    });
  });

  it('that comes after the end is refused, and says how it ended', async () => {
    const id = await ask();
    await record([decidedEntry(id)]);
    const late = await decide(acme.administrator, id);
    expect([late.status, late.body.error.code, late.body.error.message]).toEqual([
      409,
      'approval/decided',
      expect.stringContaining('timed out'),
    ]);
    const silent = await ask();
    await admin.query(`UPDATE approvals SET expires_at = now() - interval '1 second' WHERE id = $1`, [
      silent,
    ]);
    expect((await decide(acme.administrator, silent)).status).toBe(409);
    expect((await acme.administrator.get(`/v1/approvals/${silent}`)).body.state).toBe('no-word');
  });

  it.each([
    { ...yes, reason: '' },
    { ...yes, scope: 'forever' },
    { ...yes, minutes: 5 },
    { ...yes, scope: 'minutes' },
    { ...yes, scope: 'minutes', minutes: 1_441 },
    { ...yes, by: 'somebody else' },
  ])('is refused when it is not one: %j', async (body) => {
    expect((await decide(acme.administrator, await ask(), body)).status).toBe(400);
  });

  it('is never given by opening a link', async () => {
    const id = await ask();
    for (const path of [
      `/v1/approvals/${id}`,
      `/v1/approvals/${id}/decide`,
      `/v1/approvals/${id}/decide?outcome=allow`,
    ]) {
      await acme.administrator.get(path);
    }
    expect((await acme.administrator.get(`/v1/approvals/${id}`)).body.state).toBe('pending');
  });

  it('comes from people who may, of this organisation', async () => {
    const id = await ask();
    for (const role of ['auditor', 'developer'] as const) {
      expect((await decide(await api.member(acme, role), id)).status, role).toBe(403);
    }
    const program = await api.program(acme, ['approvals:read', 'approvals:decide']);
    const refused = await decide(program, id);
    expect([refused.status, refused.body.error.message]).toEqual([403, expect.stringContaining('API token')]);
    const stranger = await decide(rival.administrator, id);
    expect([stranger.status, stranger.body.error.code]).toEqual([404, 'approval/unknown']);
    expect((await rival.administrator.get('/v1/approvals')).body.items).toEqual([]);
    expect(await orders(id)).toEqual([]);
  });

  it('of a manager is for the own team alone, and so is what a manager sees', async () => {
    const team = (await acme.administrator.post('/v1/teams', { name: 'Payments' })).body.id;
    const manager = await api.member(acme, 'manager', team);
    const lost = await api.member(acme, 'manager');
    const [own, other] = [await ask({}, await addDevice(acme.id, team)), await ask()];
    const seen = (await manager.get('/v1/approvals?state=pending')).body.items;
    expect(seen.map((one: { id: string }) => one.id)).toEqual([own]);
    expect((await lost.get('/v1/approvals')).body.items).toEqual([]);
    for (const client of [manager, lost]) {
      expect((await decide(client, other)).status).toBe(404);
      expect((await client.get(`/v1/approvals/${other}`)).status).toBe(404);
    }
    expect((await decide(lost, own)).status).toBe(404);
    expect((await decide(manager, own)).body.state).toBe('sent');
  });
});

describe('four eyes', () => {
  it('want another person, and the device gets what both agreed to', async () => {
    const id = await ask({ approversNeeded: 2 });
    const first = await decide(acme.administrator, id, { ...yes, scope: 'session' });
    expect([first.body.state, first.body.votes.length]).toEqual(['pending', 1]);
    expect(await orders(id)).toEqual([]);
    const twice = await decide(acme.administrator, id);
    expect([twice.status, twice.body.error.code]).toEqual([403, 'auth/second-approver']);
    const done = await decide(second, id, { ...yes, scope: 'minutes', minutes: 5 });
    expect(done.body.state).toBe('sent');
    const [order, ...more] = await orders(id);
    expect(more).toEqual([]);
    expect(order).toMatchObject({ outcome: 'allow', scope: 'minutes', minutes: 5 });
    expect(order?.by).not.toBe(order?.second);
  });

  it('one denial is enough, the own after an allowance too', async () => {
    const id = await ask({ approversNeeded: 2 });
    await decide(acme.administrator, id);
    expect((await decide(acme.administrator, id, { ...yes, outcome: 'deny' })).body.state).toBe('sent');
    expect(await orders(id)).toMatchObject([{ outcome: 'deny' }]);
  });

  it('are not those of somebody who was disabled since, nor of an account that is younger than the question', async () => {
    const gone = await api.member(acme, 'admin');
    const id = await ask({ approversNeeded: 2 });
    expect((await decide(gone, id)).status).toBe(200);
    const { body: me } = await gone.get('/v1/me');
    await acme.administrator.patch(`/v1/members/${me.id}`, { disabled: true, reason: 'A stolen session' });
    expect((await decide(second, id)).body.state).toBe('pending');
    const made = await api.member(acme, 'admin');
    const refused = await decide(made, id);
    expect([refused.status, refused.body.error.code]).toEqual([403, 'auth/second-approver']);
    expect(await orders(id)).toEqual([]);
    expect((await decide(acme.administrator, id)).body.state).toBe('sent');
  });

  it('answers at the same moment do not both count as the second', async () => {
    const third = await api.member(acme, 'admin');
    const id = await ask({ approversNeeded: 2 });
    const all = await Promise.all([acme.administrator, second, third].map((client) => decide(client, id)));
    expect((await orders(id)).length).toBeLessThanOrEqual(1);
    // Whoever was in the way of another is told so, and nothing was half done.
    for (const { status } of all) expect([200, 409]).toContain(status);
    const single = await ask();
    const both = await Promise.all([
      decide(second, single),
      decide(third, single, { ...yes, outcome: 'deny' }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await orders(single)).toHaveLength(1);
  });
});

describe('the list', () => {
  it('has those that wait first, and pages over both', async () => {
    const waiting = [await ask(), await ask(), await ask()];
    const all: { id: string; state: string }[] = [];
    let next: string | null = '';
    while (next !== null) {
      const { body } = await acme.administrator.get(
        `/v1/approvals?limit=4${next === '' ? '' : `&cursor=${encodeURIComponent(next)}`}`,
      );
      all.push(...body.items);
      next = body.next;
    }
    const states = all.map(({ state }) => state);
    expect(states.slice(states.findIndex((state) => state !== 'pending'))).not.toContain('pending');
    expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining(waiting));
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const { body: overview } = await acme.administrator.get('/v1/overview');
    expect(overview.approvals.pending).toBe(states.filter((state) => state === 'pending').length);
  });
});

describe('a chat service', () => {
  let chat: ChatService;
  const settings = '/v1/settings/approvals';
  const set = (webhook: unknown, client = acme.administrator) =>
    client.request('PUT', settings, { webhook, reason: 'The channel answers.' });
  /** As the link tells the REST side. */
  const announce = (...asked: string[]) =>
    api.app
      .get(RedisConnections)
      .publish(LIVE_CHANNEL, { kind: 'approval', organisation: acme.id, asked, ended: [] });

  beforeAll(async () => {
    chat = await ChatService.start();
    const sender = api.app.get(WebhookSender, { strict: false });
    sender.network = {
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
      refusal: (address) => (address === '127.0.0.1' ? undefined : 'not the chat service of this test'),
      ca: chat.ca,
    };
  });
  afterAll(() => chat.stop());

  it('is told once of each question, signed, with a link; again after a failure; and not of what has ended', async () => {
    const url = `https://chat.example:${chat.port}/hook/${randomUUID()}`;
    const { body } = await set({ url, format: 'generic' });
    chat.statuses.push(500);
    const [open, over] = [await ask(), await ask()];
    await record([decidedEntry(over)]);
    announce(over, open);
    announce(open);
    await expect.poll(() => chat.received.length).toBe(2);
    const [first, again] = chat.received;
    expect(first?.body).toBe(again?.body);
    expect(JSON.parse(again?.body ?? '')).toMatchObject({
      approval: open,
      link: `${WEB_ORIGIN}/approvals/${open}`,
      agent: 'bot',
    });
    const [, at = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(again?.signature ?? '') ?? [];
    expect(mac).toBe(createHmac('sha256', body.signingKey).update(`${at}.${again?.body}`).digest('hex'));
  });

  it('has an address that is never shown again, in no answer, audit or table', async () => {
    const url = `https://chat.example/hook/${randomUUID()}`;
    const { body } = await set({ url, format: 'slack' });
    expect(body).toMatchObject({
      webhook: { host: 'chat.example', format: 'slack' },
      signingKey: expect.any(String),
    });
    const shown = await acme.administrator.get(settings);
    expect(shown.body).toEqual({ webhook: body.webhook });
    const audit = await acme.administrator.get('/v1/audit');
    const { rows } = await admin.query('SELECT sealed FROM approval_webhooks WHERE organisation_id = $1', [
      acme.id,
    ]);
    const places = JSON.stringify([shown.body, audit.body]) + rows[0].sealed.toString('latin1');
    for (const secret of [url, body.signingKey]) expect(places).not.toContain(secret);
    expect((await rival.administrator.get(settings)).body).toEqual({ webhook: null });
    expect((await set(null)).body).toEqual({ webhook: null, signingKey: null });
  });

  it.each([
    { url: 'http://chat.example/', format: 'slack' },
    { url: 'javascript:0', format: 'slack' },
    { url: 'https://a', format: 'x' },
  ])('is refused when it is none: %j', async (webhook) => {
    expect((await set(webhook)).status).toBe(400);
  });
});
