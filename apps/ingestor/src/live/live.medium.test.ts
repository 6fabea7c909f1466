import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { EventView } from '@raypher/shared/rest';
import pg from 'pg';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { LIVE_CHANNEL, type LiveMessage, NUDGE_CHANNEL } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { type SeededTenant, seedTenant } from '../testing/seed-tenant.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import type { TestClient } from '../testing/test-client.ts';
import { MOST_SOCKETS } from './live-limits.ts';

let api: TestApi;
let acme: TestOrganisation;
let globex: SeededTenant;
let admin: pg.Client;
let redis: RedisConnections;
const sockets: Socket[] = [];

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
  redis = api.app.get(RedisConnections);
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
  globex = await seedTenant(admin, 'Globex');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});
afterAll(async () => {
  await admin.end();
  await api.stop();
});

/** A browser's live connection; every message it gets lands in `inbox`. */
function open(client: TestClient, transports: string[] = ['websocket']) {
  const socket = io(`${api.url}/live`, {
    transports,
    extraHeaders: client.headers,
    reconnection: false,
    forceNew: true,
  });
  sockets.push(socket);
  const inbox: { name: string; payload: unknown }[] = [];
  socket.onAny((name: string, payload: unknown) => inbox.push({ name, payload }));
  return { socket, inbox };
}

/** The next event of that name. */
function next<T>(socket: Socket, name: string): Promise<T> {
  return new Promise((resolve) => socket.once(name, resolve));
}

async function connected(client: TestClient, transports?: string[]) {
  const opened = open(client, transports);
  await next(opened.socket, 'connect');
  return opened;
}

async function refused(
  client: TestClient,
  transports?: string[],
): Promise<{ message: string; data?: { code: string } }> {
  const { socket } = open(client, transports);
  return next(socket, 'connect_error');
}

/** Whether a connection is let in. */
async function outcome(client: TestClient): Promise<{ name: string }> {
  const { socket } = open(client);
  return Promise.race(
    ['connect', 'connect_error'].map(async (name) => {
      await next(socket, name);
      return { name };
    }),
  );
}

function announce(message: LiveMessage): void {
  redis.publish(LIVE_CHANNEL, message);
}

function row(seq: number): EventView {
  const now = new Date().toISOString();
  return {
    position: String(seq),
    deviceId: randomUUID(),
    hostname: 'talker',
    simulated: false,
    seq,
    occurredAt: now,
    receivedAt: now,
    type: 'network.request',
    severity: 'info',
    actor: { kind: 'ai-agent', id: '', name: 'agent' },
    action: 'call',
    target: 'api.openai.com',
    outcome: 'ALLOW',
    mode: 'enforce',
    rule: null,
    policyRevision: 1,
  };
}

describe('the live connection', () => {
  it('wants a session, from our own pages', async () => {
    const { administrator } = acme;
    expect((await refused(administrator.without('cookie'))).data?.code).toBe('auth/required');
    expect((await refused(administrator.with({ origin: 'https://evil.example' }))).data?.code).toBe(
      'auth/forbidden',
    );
    expect((await refused(administrator.without('origin'))).data?.code).toBe('auth/forbidden');
    await connected(administrator);
    await connected(administrator.without('origin').with({ 'sec-fetch-site': 'same-origin' }), ['polling']);
    await connected(await api.program(acme, ['events:read']));
  });

  it('has nothing to say outside /live', async () => {
    const socket = io(api.url, {
      transports: ['websocket'],
      extraHeaders: acme.administrator.headers,
      reconnection: false,
      forceNew: true,
    });
    sockets.push(socket);
    const error = await next<Error>(socket, 'connect_error');
    expect(error.message).toBe('Connect to /live.');
  });

  it('is not upgraded to elsewhere, and a client that is gone then does no harm', async () => {
    const uncaught: unknown[] = [];
    const listener = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', listener);
    onTestFinished(() => void process.off('uncaughtException', listener));
    const { port } = new URL(api.url);
    const upgrade = (path: string) => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
      );
      return socket;
    };
    for (const path of ['/v1/events', '/', '/socket.io', '/socket.io/']) {
      const impatient = Array.from({ length: 10 }, () => upgrade(path));
      await setTimeout(20);
      for (const socket of impatient) socket.resetAndDestroy();
      const patient = upgrade(path).resume();
      await once(patient, 'close');
    }
    expect(uncaught).toEqual([]);
    await connected(acme.administrator);
  });

  it('shows a burst as one batch of at most 200 rows, the newest, and counts the rest', async () => {
    const { inbox } = await connected(acme.administrator);
    for (let batch = 0; batch < 5; batch += 1) {
      const items = Array.from({ length: 100 }, (_, index) => row(batch * 100 + index + 1));
      announce({ kind: 'events', organisation: acme.id, items, held: 1 });
    }
    const batches = () =>
      inbox
        .filter(({ name }) => name === 'events')
        .map(({ payload }) => payload as { items: EventView[]; held: number });
    const shown = () => batches().reduce((sum, { items, held }) => sum + items.length + held, 0);
    await expect.poll(shown).toBe(505);
    for (const { items } of batches()) expect(items.length).toBeLessThanOrEqual(200);
    expect(batches().at(-1)?.items.at(-1)?.seq).toBe(500);
  });

  it('tells each only what they may read, and nobody of another organisation', async () => {
    const developer = await connected(await api.member(acme, 'developer'));
    const narrow = await connected(await api.program(acme, ['devices:read', 'overview:read']));
    const administrator = await connected(acme.administrator);
    announce({ kind: 'events', organisation: globex.organisation, items: [row(1)], held: 0 });
    announce({ kind: 'events', organisation: acme.id, items: [row(2)], held: 0 });
    await acme.administrator.post('/v1/members', {
      name: 'New',
      email: `${randomUUID()}@example.test`,
      role: 'auditor',
    });
    await expect
      .poll(() => administrator.inbox.map(({ payload }) => payload))
      .toContainEqual({ object: 'members' });
    await expect.poll(() => developer.inbox.filter(({ name }) => name === 'events')).toHaveLength(1);
    await expect.poll(() => narrow.inbox.some(({ name }) => name === 'overview')).toBe(true);
    expect(developer.inbox.map(({ payload }) => payload)).not.toContainEqual({ object: 'members' });
    expect(narrow.inbox.some(({ name }) => name === 'events')).toBe(false);
    expect(JSON.stringify([administrator.inbox, developer.inbox])).not.toContain('"seq":1,');
  });

  it('says at once that a question of an AI agent came, to those who may read it', async () => {
    const developer = await connected(await api.member(acme, 'developer'));
    const manager = await connected(await api.member(acme, 'manager'));
    const approvalIds = [randomUUID(), randomUUID()];
    announce({ kind: 'approval', organisation: acme.id, asked: approvalIds, ended: [] });
    await expect
      .poll(() => manager.inbox.find(({ name }) => name === 'approval')?.payload)
      .toEqual({ approvalIds });
    expect(developer.inbox.map(({ name }) => name)).not.toContain('approval');
  });

  it('sends a rollout when devices acknowledge, with its counts', async () => {
    const device = randomUUID();
    await admin.query(
      `INSERT INTO devices (id, organisation_id, hostname, os, kernel, arch, agent_version, identity_class, key_fingerprint,
          machine_id) VALUES ($1, $2, 'acker', 'linux', '6.1', 'x64', '0.1.0', 'software', sha256('acker'), 'm')`,
      [device, acme.id],
    );
    const { inbox } = await connected(acme.administrator);
    const rollouts = await acme.administrator.get('/v1/rollouts?limit=1');
    const [{ id, counts }] = rollouts.body.items;
    expect(counts).toMatchObject({ applied: 0, unreachable: 1 });
    await admin.query(
      `INSERT INTO rollout_devices (organisation_id, rollout_id, device_id, phase, affected, updated_at)
        VALUES ($1, $2, $3, 'applied', 7, now())`,
      [acme.id, id, device],
    );
    announce({ kind: 'acks', organisation: acme.id, rolloutIds: [id] });
    await expect
      .poll(() => inbox.find(({ name }) => name === 'rollout')?.payload)
      .toMatchObject({
        id,
        counts: { applied: 1, unreachable: 0 },
        affected: 7,
        settledAfterMs: expect.any(Number),
      });
  });

  it('asks the link to look closely at a device while somebody watches it, never at somebody else’s', async () => {
    const { rows } = await admin.query(`SELECT id FROM devices WHERE organisation_id = $1 LIMIT 1`, [
      acme.id,
    ]);
    const nudges: { topic: string; device: string }[] = [];
    const listener = redis.connect('test');
    listener.on('message', (_channel, text) => nudges.push(JSON.parse(text)));
    await listener.subscribe(NUDGE_CHANNEL);
    const { socket } = await connected(acme.administrator);
    socket.emit('watch', { deviceId: globex.device });
    socket.emit('watch', { deviceId: 'x' });
    socket.emit('watch', { deviceId: rows[0].id });
    await expect
      .poll(() => nudges)
      .toContainEqual(expect.objectContaining({ topic: 'watch', device: rows[0].id }));
    expect(nudges.map(({ device }) => device)).not.toContain(globex.device);
  });

  it('watches four devices at most, also when they are asked for in one breath', async () => {
    const { rows } = await admin.query<{ id: string }>(
      `INSERT INTO devices (organisation_id, hostname, os, kernel, arch, agent_version, identity_class,
          key_fingerprint, machine_id)
        SELECT $1, 'watched', 'linux', '6.1', 'x64', '0.1.0', 'software', sha256(n::text::bytea), 'm'
        FROM generate_series(1, 12) AS n RETURNING id`,
      [acme.id],
    );
    const watched = new Set<string>();
    const listener = redis.connect('test');
    listener.on('message', (_channel, text) => watched.add(JSON.parse(text).device));
    await listener.subscribe(NUDGE_CHANNEL);
    const { socket } = await connected(acme.administrator);
    const [last, left, ...others] = rows.map(({ id }) => id);
    /** That were asked for, but for the one that was looked away from: the answer about that may have been quicker. */
    const places = () => rows.filter(({ id }) => id !== left && watched.has(id)).length;
    // Whoever looks away at once has not taken a place.
    socket.emit('watch', { deviceId: left });
    socket.emit('unwatch', { deviceId: left });
    for (const deviceId of others) socket.emit('watch', { deviceId });
    await expect.poll(places).toBeGreaterThanOrEqual(4);
    // Asked for after all of them and answered in the same order, so that what they would do is done.
    const { socket: second } = await connected(acme.administrator);
    second.emit('watch', { deviceId: last });
    await expect.poll(() => watched.has(last ?? '')).toBe(true);
    expect(places()).toBe(5);
  });

  it('ends, with the reason, when a browser says more than anybody clicks; whoever else is there goes on', async () => {
    const { rows } = await admin.query('SELECT id FROM devices WHERE organisation_id = $1 LIMIT 1', [
      acme.id,
    ]);
    const [{ id: deviceId }] = rows;
    const bystander = await connected(await api.member(acme, 'manager'));
    let nudges = 0;
    const listener = redis.connect('test');
    // The channel is common to all who use this Redis.
    listener.on('message', (_channel, text) => {
      if (JSON.parse(text).device === deviceId) nudges += 1;
    });
    await listener.subscribe(NUDGE_CHANNEL);
    const member = await api.member(acme, 'developer');
    // The limit is the person's, however many tabs are open.
    const tabs = await Promise.all(Array.from({ length: 20 }, () => connected(member)));
    const ended: unknown[] = [];
    for (const { socket } of tabs) {
      socket.once('refused', (reason) => socket.once('disconnect', () => ended.push(reason)));
    }
    for (const { socket } of tabs) {
      for (let time = 0; time < 50; time += 1) {
        socket.emit('watch', { deviceId });
        socket.emit('unwatch', { deviceId });
      }
    }
    // The first may have said all it wanted before the rest came.
    await expect.poll(() => ended.length).toBeGreaterThanOrEqual(tabs.length - 2);
    for (const reason of ended) expect(reason).toMatchObject({ code: 'request/rate-limited' });
    expect(nudges).toBeLessThan(150);
    expect(bystander.socket.connected).toBe(true);
    // Somebody else of the same organisation is heard.
    bystander.socket.emit('watch', { deviceId });
    const before = nudges;
    await expect.poll(() => nudges).toBeGreaterThan(before);
  });

  it('is not asked for a thousand times over one connection', async () => {
    const raw = new WebSocket(`${api.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, {
      headers: acme.administrator.headers,
    });
    let answers = 0;
    raw.on('message', (data) => {
      if (String(data).startsWith('40/live,')) answers += 1;
    });
    await once(raw, 'open');
    for (let time = 0; time < 1_000; time += 1) raw.send('40/live,');
    await once(raw, 'close');
    expect(answers).toBeLessThan(150);
    await connected(acme.administrator);
  });

  it('ends when nothing is read any more, although somebody at the other end seems to be there', async () => {
    const raw = new WebSocket(`${api.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, {
      headers: acme.administrator.headers,
    });
    await once(raw, 'open');
    raw.send('40/live,');
    await next(raw as unknown as Socket, 'message');
    const bystander = await connected(acme.administrator);
    await expect.poll(() => bystander.inbox.some(({ name }) => name === 'overview')).toBe(true);
    raw.pause();
    const target = 'x'.repeat(2_000);
    for (let sent = 0; sent < 60; sent += 1) {
      const heard = next(bystander.socket, 'events');
      const items = Array.from({ length: 200 }, (_, index) => ({ ...row(sent * 200 + index + 1), target }));
      announce({ kind: 'events', organisation: acme.id, items, held: 0 });
      // An answer to a ping that never came keeps a connection.
      raw.send('3');
      await heard;
    }
    raw.resume();
    await once(raw, 'close');
    expect(bystander.socket.connected).toBe(true);
  });

  it('is open so many times for one person, and not more', async () => {
    const program = await api.program(acme, ['events:read']);
    const opened = await Promise.all(Array.from({ length: MOST_SOCKETS }, () => connected(program)));
    expect((await refused(program)).data?.code).toBe('request/rate-limited');
    const left = next(opened[0]?.socket as Socket, 'disconnect');
    opened[0]?.socket.disconnect();
    await left;
    await expect.poll(async () => (await outcome(program)).name).toBe('connect');
  });

  it('ends when the session ended between its check and its opening', async () => {
    const member = await api.member(acme, 'auditor');
    const holder = new pg.Client({ connectionString: api.database.adminUrl });
    await holder.connect();
    onTestFinished(() => holder.end());
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE members IN ACCESS EXCLUSIVE MODE');
    const waiting = async () => {
      const { rows } = await admin.query(
        `SELECT count(*)::int AS waiting FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows[0].waiting;
    };
    const { socket } = open(member);
    const gone = next(socket, 'disconnect');
    await expect.poll(waiting).toBe(1);
    const signingOut = member.post('/api/auth/sign-out');
    // Its audit waits, too: the session has ended by then.
    await expect.poll(waiting).toBe(2);
    await holder.query('COMMIT');
    await Promise.all([gone, signingOut]);
  });

  it('ends wherever the person is, when the password changes', async () => {
    const email = `${randomUUID()}@example.test`;
    const { body } = await acme.administrator.post('/v1/members', {
      name: 'Changing',
      email,
      role: 'auditor',
    });
    const here = await api.signIn(email, body.password);
    const elsewhere = await api.signIn(email, body.password);
    const opened = [await connected(here), await connected(elsewhere)];
    const gone = Promise.all(opened.map(({ socket }) => next(socket, 'disconnect')));
    const change = await here.post('/api/auth/change-password', {
      currentPassword: body.password,
      newPassword: randomUUID(),
    });
    await gone;
    expect((await refused(elsewhere)).data?.code).toBe('auth/required');
    await connected(here.keeping(change));
  });

  it('ends when the person signs out or is disabled', async () => {
    const leaver = await api.member(acme, 'auditor');
    const first = await connected(leaver);
    const gone = next(first.socket, 'disconnect');
    await leaver.post('/api/auth/sign-out');
    await gone;
    const disabled = await api.member(acme, 'auditor');
    const { body: me } = await disabled.get('/v1/me');
    const second = await connected(disabled);
    const shownOut = next(second.socket, 'disconnect');
    await acme.administrator.patch(`/v1/members/${me.id}`, { disabled: true, reason: 'Left' });
    await shownOut;
    expect((await refused(disabled)).data?.code).toBe('auth/required');
  });
});
