import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NUDGE_CHANNEL, presenceKey, presenceSeenKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { type SeededTenant, seedEvent, seedTenant } from '../testing/seed-tenant.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';

let api: TestApi;
let acme: TestOrganisation;
let globex: SeededTenant;
let admin: pg.Client;
let redis: RedisConnections;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
  redis = api.app.get(RedisConnections);
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
  globex = await seedTenant(admin, 'Globex');
});
afterAll(async () => {
  await admin.end();
  await api.stop();
});

async function device(hostname: string, team: string | null = null): Promise<string> {
  const id = randomUUID();
  await admin.query(
    `INSERT INTO devices (id, organisation_id, team_id, hostname, os, kernel, arch, agent_version, identity_class,
        key_fingerprint, machine_id)
      VALUES ($1, $2, $3, $4, 'linux', '6.1', 'x64', '0.1.0', 'software', sha256($5::bytea), 'm')`,
    [id, acme.id, team, hostname, Buffer.from(id)],
  );
  return id;
}

async function connect(id: string): Promise<void> {
  const now = new Date().toISOString();
  const presence = {
    since: now,
    at: now,
    node: 'n1',
    connections: 3,
    processes: 40,
    aiAgents: 1,
    frozenProcesses: 0,
    queueDepth: 0,
    rssBytes: 1,
    cpuShare: 0.01,
  };
  await redis.commands.hset(presenceKey(acme.id), id, JSON.stringify(presence));
  await redis.commands.zadd(presenceSeenKey(acme.id), Date.now(), id);
}

/** Presence is shared between callers for a moment. */
const settled = { interval: 50 };

describe('devices', () => {
  it('are listed by name in pages, searched, and filtered by whether they are connected', async () => {
    const ids = [];
    for (let number = 0; number < 5; number += 1) ids.push(await device(`build-${number}`));
    await connect(ids[1] ?? '');
    await connect(ids[3] ?? '');
    const first = await acme.administrator.get('/v1/devices?limit=2&search=build');
    expect(first.body).toMatchObject({ total: 5, items: [{ hostname: 'build-0' }, { hostname: 'build-1' }] });
    const second = await acme.administrator.get(`/v1/devices?limit=2&search=build&cursor=${first.body.next}`);
    expect(second.body.items.map(({ hostname }: { hostname: string }) => hostname)).toEqual([
      'build-2',
      'build-3',
    ]);
    await expect
      .poll(async () => (await acme.administrator.get('/v1/devices?state=connected')).body.items, settled)
      .toMatchObject([
        { hostname: 'build-1', connected: true, live: { connections: 3 } },
        { hostname: 'build-3' },
      ]);
    const apart = await acme.administrator.get('/v1/devices?state=disconnected');
    expect(apart.body.total).toBe(3);
    expect((await acme.administrator.get('/v1/devices?search=%25')).body.total).toBe(0);
    expect((await acme.administrator.get('/v1/devices?cursor=nonsense')).status).toBe(400);
  });

  it('of another organisation do not exist, whatever is tried', async () => {
    const { administrator } = acme;
    const answers = await Promise.all([
      administrator.get(`/v1/devices/${globex.device}`),
      administrator.patch(`/v1/devices/${globex.device}`, { label: 'Mine', reason: 'Taking over' }),
      administrator.post(`/v1/devices/${globex.device}/revoke`, { reason: 'Taking over' }),
      administrator.get(`/v1/devices/${globex.device}/commands`),
      administrator.post(`/v1/devices/${globex.device}/commands`, { verb: 'scan', reason: 'Taking over' }),
      administrator.post('/v1/blast-radius', { action: 'revoke', device: globex.device }),
      administrator.get(`/v1/events/${globex.device}/1`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(Array(answers.length).fill(404));
    const agents = await administrator.get(`/v1/agents?device=${globex.device}`);
    expect(agents.body.items).toEqual([]);
    const mine = await device('theirs-not');
    const moved = await administrator.patch(`/v1/devices/${mine}`, {
      teamId: globex.team,
      reason: 'Crossing over',
    });
    expect(moved.status).toBe(400);
  });

  it('a device that changes between audiences is given what is in force under a new revision', async () => {
    const team = (await acme.administrator.post('/v1/teams', { name: 'Research' })).body.id;
    const running = await acme.administrator.get('/v1/policies/running');
    const { source } = running.body.documents[0];
    await acme.administrator.post('/v1/policies/deploy', {
      documents: [
        { layer: 'global', source },
        { layer: 'team', team, source },
      ],
      basedOn: running.body.revision,
      reason: 'Research has its own',
      confirm: 'Acme',
    });
    const id = await device('moves');
    const moved = await acme.administrator.patch(`/v1/devices/${id}`, {
      teamId: team,
      reason: 'Joins Research',
    });
    expect(moved.body.team).toEqual({ id: team, name: 'Research' });
    const after = await acme.administrator.get('/v1/policies/running');
    expect(after.body.revision).toBe(running.body.revision + 2);
    const labelled = await acme.administrator.patch(`/v1/devices/${id}`, {
      label: 'Bench',
      reason: 'A name',
    });
    expect(labelled.body).toMatchObject({ label: 'Bench', team: { id: team } });
    const nameless = await acme.administrator.patch(`/v1/devices/${id}`, { label: ' ', reason: 'No name' });
    expect(nameless.status).toBe(400);
    const unchanged = await acme.administrator.get('/v1/policies/running');
    expect(unchanged.body.revision).toBe(after.body.revision);
  });

  it('where a policy depends on teams, every device is told which one it is in', async () => {
    const told = async () => {
      const { rows } = await admin.query(
        `SELECT team_id AS id, convert_from(payload, 'UTF8')::jsonb->'team'->>'name' AS name FROM state_bundles
          WHERE organisation_id = $1 AND kind = 'policy' AND revision =
            (SELECT max(revision) FROM state_bundles WHERE organisation_id = $1 AND kind = 'policy')`,
        [acme.id],
      );
      return Object.fromEntries(rows.map(({ id, name }) => [id, name]));
    };
    const sales = (await acme.administrator.post('/v1/teams', { name: 'Sales' })).body.id;
    const running = await acme.administrator.get('/v1/policies/running');
    await acme.administrator.post('/v1/policies/deploy', {
      documents: [
        {
          layer: 'global',
          source:
            'apiVersion: raypher/v1\nmode: enforce\nnetwork:\n  default: allow\n  rules: [{ id: a, effect: deny, agents: { teams: [Sales] } }]\n',
        },
      ],
      basedOn: running.body.revision,
      reason: 'Sales may not',
      confirm: 'Acme',
    });
    expect(await told()).toMatchObject({ null: null, [sales]: 'Sales' });
    // One that was founded since, as soon as a device joins it.
    const legal = (await acme.administrator.post('/v1/teams', { name: 'Legal' })).body.id;
    expect(await told()).not.toHaveProperty(legal);
    const id = await device('joins-legal');
    await acme.administrator.patch(`/v1/devices/${id}`, { teamId: legal, reason: 'Joins Legal' });
    expect(await told()).toMatchObject({ [legal]: 'Legal' });
  });

  it('revoking one ends its certificates and tells the link at once', async () => {
    const id = await device('stolen');
    await admin.query(
      `INSERT INTO device_certificates (fingerprint, organisation_id, device_id, serial, not_before, not_after)
        VALUES (sha256('stolen'), $1, $2, '01', now(), now() + interval '1 day')`,
      [acme.id, id],
    );
    const nudges: unknown[] = [];
    const listener = redis.connect('test');
    listener.on('message', (_channel, text) => nudges.push(JSON.parse(text)));
    await listener.subscribe(NUDGE_CHANNEL);
    const revoked = await acme.administrator.post(`/v1/devices/${id}/revoke`, {
      reason: 'Stolen from a car',
    });
    expect(revoked.body).toMatchObject({ status: 'revoked', revokeReason: 'Stolen from a car' });
    expect(revoked.body.certificates[0].revokedAt).not.toBeNull();
    await expect.poll(() => nudges).toContainEqual({ topic: 'standing', organisation: acme.id, device: id });
    await expect
      .poll(
        async () =>
          (
            await admin.query('SELECT 1 FROM outbox WHERE published_at IS NULL AND organisation_id = $1', [
              acme.id,
            ])
          ).rowCount,
      )
      .toBe(0);
    expect((await acme.administrator.post(`/v1/devices/${id}/revoke`, { reason: 'Again' })).status).toBe(409);
    const command = await acme.administrator.post(`/v1/devices/${id}/commands`, {
      verb: 'scan',
      reason: 'Too late',
    });
    expect(command.status).toBe(409);
  });

  it('commands are signed, bounded in time, and their arguments are checked', async () => {
    const id = await device('commanded');
    const sent = await acme.administrator.post(`/v1/devices/${id}/commands`, {
      verb: 'kill',
      arguments: { pid: 4711, startTime: '123456' },
      reason: 'A runaway agent',
    });
    expect(sent.status).toBe(201);
    expect(sent.body).toMatchObject({ verb: 'kill', finishedAt: null });
    expect(Date.parse(sent.body.expiresAt) - Date.parse(sent.body.createdAt)).toBe(5 * 60_000);
    for (const input of [
      { verb: 'kill', arguments: { pid: 1, startTime: '1' }, reason: 'Never init' },
      { verb: 'kill', arguments: { pid: 4711 }, reason: 'A reused pid' },
      { verb: 'scan', arguments: { path: '/' }, reason: 'Takes nothing' },
      { verb: 'format', reason: 'No such verb' },
    ]) {
      expect((await acme.administrator.post(`/v1/devices/${id}/commands`, input)).status).toBe(400);
    }
    const list = await acme.administrator.get(`/v1/devices/${id}/commands`);
    expect(list.body.items).toHaveLength(1);
  });
});

describe('blast radius', () => {
  it('counts whom an action would meet', async () => {
    const id = await device('radius');
    await connect(id);
    await admin.query(
      `INSERT INTO ai_agents (organisation_id, device_id, id, name, user_name, exe_path, exe_sha256, entry_script, libraries,
          models, signatures, risk, confidence, evidence, processes, state, first_seen_at, last_seen_at)
        VALUES ($1, $2, 'a', 'crawler', 'u', '/usr/bin/node', repeat('b', 64), 'x.js', '{langchain}', '{gpt-4o}', '{}', 'high',
          'full', '{}', '[]', 'running', now(), now())`,
      [acme.id, id],
    );
    const preview = async (body: object) => (await acme.administrator.post('/v1/blast-radius', body)).body;
    for (const selector of [
      { kind: 'library', name: 'langchain' },
      { kind: 'model', name: 'gpt-4o' },
      { kind: 'hash', sha256: 'b'.repeat(64) },
    ]) {
      await expect
        .poll(() => preview({ action: 'freeze', selector }), settled)
        .toEqual({
          devices: 1,
          connectedDevices: 1,
          aiAgents: 1,
          connections: 3,
          sample: [{ deviceId: id, hostname: 'radius', simulated: false, agent: 'crawler' }],
        });
    }
    expect(await preview({ action: 'freeze', selector: { kind: 'library', name: 'lang' } })).toMatchObject({
      devices: 0,
    });
    const devices = await acme.administrator.get('/v1/devices?limit=1');
    const revoked = await acme.administrator.get('/v1/devices?limit=1&state=revoked');
    expect(await preview({ action: 'deploy' })).toMatchObject({
      devices: devices.body.total - revoked.body.total,
    });
  });
});

describe('events', () => {
  it('are paged by position, newest first, and filtered', async () => {
    const id = await device('talker');
    const tenant = { organisation: acme.id, device: id };
    for (let seq = 1; seq <= 5; seq += 1) {
      await seedEvent(admin, tenant, {
        seq,
        outcome: seq % 2 === 0 ? 'DENY' : 'ALLOW',
        target: `host-${seq}.example/a_b`,
      });
    }
    const first = await acme.administrator.get('/v1/events?limit=3');
    expect(first.body.items.map(({ seq }: { seq: number }) => seq)).toEqual([5, 4, 3]);
    const second = await acme.administrator.get(`/v1/events?limit=3&cursor=${first.body.next}`);
    expect(second.body).toMatchObject({ items: [{ seq: 2 }, { seq: 1 }], next: null });
    const denied = await acme.administrator.get('/v1/events?outcome=DENY&search=host-4');
    expect(denied.body.items).toMatchObject([{ seq: 4, hostname: 'talker', outcome: 'DENY' }]);
    expect((await acme.administrator.get('/v1/events?search=a%25b')).body.items).toEqual([]);
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
    expect((await acme.administrator.get(`/v1/events?to=${hourAgo}`)).body.items).toEqual([]);
    expect((await acme.administrator.get(`/v1/events?from=${hourAgo}`)).body.items).toHaveLength(5);
    const detail = await acme.administrator.get(`/v1/events/${id}/4`);
    expect(detail.body).toMatchObject({ seq: 4, entry: '{}' });
    const overview = await acme.administrator.get('/v1/overview');
    const minutes = overview.body.verdicts;
    expect(minutes).toHaveLength(60);
    const sum = (kind: string) =>
      minutes.reduce((total: number, one: Record<string, number>) => total + (one[kind] ?? 0), 0);
    expect([sum('allow'), sum('deny'), sum('wouldDeny')]).toEqual([3, 2, 0]);
  });
});

describe('enrolment tokens', () => {
  it('are shown once, listed by state, and revoked', async () => {
    const made = await acme.administrator.post('/v1/enrolment-tokens', { name: 'Laptops', maxUses: 10 });
    expect(made.status).toBe(201);
    expect(made.body.token).toMatch(/^rpt1\.[0-9a-f]{32}\.[\w-]{43}\.[\w-]{43}$/);
    expect(made.body.command).toContain(made.body.token);
    const stored = await admin.query('SELECT * FROM enrolment_tokens WHERE organisation_id = $1', [acme.id]);
    expect(JSON.stringify(stored.rows)).not.toContain(made.body.token.split('.')[2]);
    const { id } = made.body.enrolmentToken;
    expect((await acme.administrator.delete(`/v1/enrolment-tokens/${id}`)).status).toBe(204);
    const list = await acme.administrator.get('/v1/enrolment-tokens');
    expect(list.body.items).toMatchObject([{ id, name: 'Laptops', state: 'revoked', uses: 0 }]);
    const audit = await acme.administrator.get('/v1/audit?limit=500');
    expect(JSON.stringify(audit.body)).not.toContain(made.body.token.split('.')[2]);
  });
});
