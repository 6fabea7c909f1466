import 'reflect-metadata';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Phase, StateKind } from '@raypher/shared';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CommandsService } from '../desired-state/commands.service.ts';
import { createApp } from '../http/create-app.ts';
import { PresenceService } from '../presence/presence.service.ts';
import { LIVE_CHANNEL, NUDGE_CHANNEL, parseLiveMessage, presenceKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { Installation } from '../testing/installation.ts';
import { nudge, storeState } from '../testing/publish-state.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { TestStream } from '../testing/test-stream.ts';
import { CREDIT_WINDOW } from './device-stream.ts';
import { LinkServer } from './link-server.service.ts';
import { StreamRegistry } from './stream-registry.ts';

let installation: Installation;
let admin: pg.Client;
let second: NestExpressApplication;
let secondPort: number;
let devices: TestDevice[] = [];

async function startSecond(): Promise<void> {
  second = await createApp(installation.configOf('link', { RAYPHER_LINK_PORT: '0' }));
  secondPort = await second.get(LinkServer).listen();
}

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
  await startSecond();
});

afterEach(() => {
  for (const device of devices) device.close();
  devices = [];
});

afterAll(async () => {
  await second?.close();
  await admin?.end();
  await installation?.stop();
});

async function enrol(): Promise<TestDevice> {
  const device = await installation.enrolDevice();
  devices.push(device);
  return device;
}

/** One device on each of the two. */
async function oneOnEach(): Promise<[TestDevice, TestStream][]> {
  const [first, other] = [await enrol(), await enrol()];
  return [
    [first, await first.open(installation.linkPort)],
    [other, await other.open(secondPort)],
  ];
}

async function storedSeqs(device: TestDevice): Promise<number[]> {
  const { rows } = await admin.query<{ seq: string }>(
    'SELECT seq FROM events WHERE device_id = $1 ORDER BY seq',
    [device.id],
  );
  return rows.map(({ seq }) => Number(seq));
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('two processes of the link on one database', () => {
  it('end the older stream of a device that connects to the other one, once and for all', async () => {
    const device = await enrol();
    const older = await device.open(installation.linkPort);
    const newer = await device.open(secondPort);
    expect(await older.ended).toMatchObject({ code: 'device/replaced' });
    newer.send({ $case: 'events', value: device.batch(device.record(3), 1) });
    await newer.durable(3);
    // And back again.
    const newest = await device.open(installation.linkPort);
    expect(await newer.ended).toMatchObject({ code: 'device/replaced' });
    newest.send({ $case: 'events', value: device.batch(device.record(2), 4) });
    await newest.durable(5);
    expect(await storedSeqs(device)).toEqual(upTo(5));
  });

  it('leave a device that was replaced shown as connected, by the process that has it', async () => {
    const device = await enrol();
    const older = await device.open(installation.linkPort);
    await device.open(secondPort);
    await older.ended;
    await installation.link.get(PresenceService).flush();
    await second.get(PresenceService).flush();
    const redis = installation.api.get(RedisConnections).commands;
    const shown = await redis.hget(presenceKey(device.organisationId), device.id);
    expect(JSON.parse(shown ?? '{}')).toMatchObject({ node: second.get(PresenceService).node });
  });

  it('agree on the newest of many streams opened at once on both', async () => {
    const device = await enrol();
    const streams = await Promise.all(
      upTo(6).map((index) => device.open(index % 2 === 0 ? installation.linkPort : secondPort)),
    );
    let ended = 0;
    for (const stream of streams) void stream.ended.then(() => (ended += 1));
    await expect.poll(() => ended).toBe(5);
    const entries = device.record(1);
    for (const stream of streams) stream.send({ $case: 'events', value: device.batch(entries, 1) });
    await Promise.any(streams.map((stream) => stream.durable(1)));
    expect(ended).toBe(5);
    expect(await storedSeqs(device)).toEqual([1]);
  });

  it('store the halves of one history that reach them at the same moment exactly once', async () => {
    const device = await enrol();
    const older = await device.open(installation.linkPort);
    const entries = device.record(200);
    const send = (stream: TestStream, from: number, to: number) =>
      stream.send({ $case: 'events', value: device.batch(entries.slice(from, to), from + 1) });
    for (let at = 0; at < 120; at += 20) send(older, at, at + 20);
    // The device has not heard of any of these when it comes back elsewhere.
    const newer = device.connect(secondPort);
    newer.send({ $case: 'hello', value: device.hello() });
    let known = Number((await newer.next('eventAck')).durableThroughSeq);
    while (known < 200) {
      send(newer, known, Math.min(200, known + 50));
      known = Math.min(200, known + 50);
    }
    await newer.durable(200);
    expect(await storedSeqs(device)).toEqual(upTo(200));
  });

  it('both hear of a new policy and both record who applied it', async () => {
    const pairs = await oneOnEach();
    const published = await storeState(installation, 'policy', 1);
    nudge(installation, 'policy', 1);
    for (const [, stream] of pairs) {
      await stream.next('desired');
      const value = {
        kind: StateKind.STATE_KIND_POLICY,
        revision: 1n,
        digest: published.digest,
        phase: Phase.PHASE_APPLIED,
        code: '',
        detail: '',
        affected: 0,
      };
      stream.send({ $case: 'ack', value });
    }
    const applied = async () =>
      (
        await admin.query(
          `SELECT count(*)::int AS count FROM rollout_devices WHERE rollout_id = $1 AND phase = 'applied'`,
          [published.rolloutId],
        )
      ).rows[0].count;
    await expect.poll(applied).toBe(2);
  });

  it('both end a device that was revoked, wherever it is', async () => {
    const pairs = await oneOnEach();
    const redis = installation.api.get(RedisConnections);
    for (const [device, stream] of pairs) {
      await admin.query(`UPDATE devices SET status = 'revoked' WHERE id = $1`, [device.id]);
      redis.publish(NUDGE_CHANNEL, {
        topic: 'standing',
        organisation: device.organisationId,
        device: device.id,
      });
      expect(await stream.ended).toMatchObject({ code: 'device/revoked' });
    }
  });

  it('hand a command to the one process that has the device, and only there', async () => {
    const [[, stream], [other, otherStream]] = (await oneOnEach()) as [
      [TestDevice, TestStream],
      [TestDevice, TestStream],
    ];
    const id = crypto.randomUUID();
    await admin.query(
      `INSERT INTO commands (id, organisation_id, device_id, verb, payload, signature, key_id, reason, created_by, expires_at)
        VALUES ($1, $2, $3, 'scan', '{}', '\\x00', 'k', 'R', 'M', now() + interval '1 minute')`,
      [id, other.organisationId, other.id],
    );
    installation.api
      .get(RedisConnections)
      .publish(NUDGE_CHANNEL, { topic: 'command', organisation: other.organisationId, device: other.id, id });
    expect((await otherStream.next('command')).id).toBe(id);
    await installation.link.get(CommandsService).deliver(other.organisationId, [other.id]);
    expect(stream.received.some(({ $case }) => $case === 'command')).toBe(false);
  });

  it('show what devices of both do in one live view, each event with a position of its own', async () => {
    const pairs = await oneOnEach();
    const subscriber = installation.api.get(RedisConnections).connect('test');
    await subscriber.subscribe(LIVE_CHANNEL);
    const seen = new Map<string, string>();
    const ids = new Set(pairs.map(([device]) => device.id));
    subscriber.on('message', (_channel: string, text: string) => {
      const message = parseLiveMessage(text);
      if (message?.kind !== 'events') return;
      for (const { position, deviceId } of message.items) if (ids.has(deviceId)) seen.set(position, deviceId);
    });
    for (const [device, stream] of pairs) {
      stream.send({ $case: 'events', value: device.batch(device.record(20), 1) });
    }
    await expect.poll(() => seen.size).toBe(40);
    subscriber.disconnect();
  });

  it('make the partition of a day together, when neither has it', async () => {
    const day = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10);
    const pools = upTo(4).map(() => new pg.Client({ connectionString: installation.database.urls.ingest }));
    await Promise.all(pools.map((client) => client.connect()));
    await Promise.all(pools.map((client) => client.query('SELECT ensure_event_partition($1::date)', [day])));
    const { rows } = await admin.query('SELECT to_regclass($1) IS NOT NULL AS made', [
      `events_${day.replaceAll('-', '')}`,
    ]);
    expect(rows).toEqual([{ made: true }]);
    await Promise.all(pools.map((client) => client.end()));
  });
});

/** Until the second process has a batch of each of these, which it cannot commit. */
async function received(from: readonly TestDevice[]): Promise<void> {
  const registry = second.get(StreamRegistry, { strict: false });
  const left = () => from.filter(({ id }) => registry.find(id)?.credits === CREDIT_WINDOW).length;
  await expect.poll(left).toBe(0);
}

describe('a process that stops', () => {
  it('acknowledges what it was sent, then sends devices away, to come back at different times', async () => {
    const opened = await Promise.all(
      upTo(5).map(async () => {
        const device = await enrol();
        return { device, stream: await device.open(secondPort) };
      }),
    );
    const lock = new pg.Client({ connectionString: installation.database.adminUrl });
    await lock.connect();
    // Nothing can be committed while this is held.
    await lock.query('BEGIN');
    await lock.query('SELECT 1 FROM device_chains FOR UPDATE');
    const durable = opened.map(({ device, stream }) => {
      stream.send({ $case: 'events', value: device.batch(device.record(10), 1) });
      return stream.durable(10);
    });
    await received(opened.map(({ device }) => device));
    const closed = second.close();
    await lock.query('ROLLBACK');
    await lock.end();
    await Promise.all(durable);
    const waits = await Promise.all(opened.map(async ({ stream }) => (await stream.next('retry')).afterMs));
    for (const afterMs of waits) expect(afterMs).toBeLessThanOrEqual(5_000);
    expect(new Set(waits).size).toBeGreaterThan(1);
    await closed;
    for (const { device } of opened) expect(await storedSeqs(device)).toEqual(upTo(10));
    await startSecond();
  });

  it('does not wait for a database that does not answer', async () => {
    const device = await enrol();
    const stream = await device.open(secondPort);
    const lock = new pg.Client({ connectionString: installation.database.adminUrl });
    await lock.connect();
    await lock.query('BEGIN');
    await lock.query('SELECT 1 FROM device_chains FOR UPDATE');
    stream.send({ $case: 'events', value: device.batch(device.record(1), 1) });
    await received([device]);
    const began = performance.now();
    const closed = second.close();
    expect(await stream.ended).toMatchObject({ code: 'link/overloaded' });
    // It gives what it has received five seconds; a database would say after twenty that it cannot.
    expect(performance.now() - began).toBeLessThan(15_000);
    await lock.query('ROLLBACK');
    await lock.end();
    await closed;
    // Whether it was stored in the end or not: sent again elsewhere, it is there once.
    const again = device.connect(installation.linkPort);
    again.send({ $case: 'hello', value: device.hello() });
    const { durableThroughSeq } = await again.next('eventAck');
    device.head = { seq: 0, hash: '0'.repeat(64) };
    if (durableThroughSeq === 0n) again.send({ $case: 'events', value: device.batch(device.record(1), 1) });
    await expect.poll(() => storedSeqs(device)).toEqual([1]);
    await startSecond();
  });
});
