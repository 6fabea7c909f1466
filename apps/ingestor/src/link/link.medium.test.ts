import 'reflect-metadata';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { canonicalBytes } from '@raypher/ledger';
import { LinkClient, MAX_FRAME_BYTES } from '@raypher/shared';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NUDGE_CHANNEL } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { forgeIdentity } from '../testing/forged-identity.ts';
import { Installation } from '../testing/installation.ts';
import { quickest } from '../testing/quickest.ts';
import type { TestDevice } from '../testing/test-device.ts';
import { endOf, TestStream } from '../testing/test-stream.ts';

let installation: Installation;
let admin: pg.Client;
let devices: TestDevice[] = [];

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});

afterEach(() => {
  for (const device of devices) device.close();
  devices = [];
});

afterAll(async () => {
  await admin?.end();
  await installation?.stop();
});

async function enrol(): Promise<TestDevice> {
  const device = await installation.enrolDevice();
  devices.push(device);
  return device;
}

describe('the link', () => {
  it('answers Hello with where the ledger ends, credits and a pace', async () => {
    const device = await enrol();
    const stream = device.connect(installation.linkPort);
    stream.send({ $case: 'hello', value: device.hello() });
    expect(await stream.next('eventAck')).toEqual({ durableThroughSeq: 0n, head: Buffer.alloc(32) });
    expect((await stream.next('credit')).batches).toBeGreaterThan(0);
    expect((await stream.next('pace')).heartbeatMs).toBe(30_000);
  });

  it('waits for a slow database longer than for a silent device, and accuses nobody of silence', async () => {
    const device = await enrol();
    await admin.query('BEGIN');
    await admin.query('LOCK TABLE devices IN ACCESS EXCLUSIVE MODE');
    const stream = device.connect(installation.linkPort);
    stream.send({ $case: 'hello', value: device.hello() });
    // Two ticks longer than a device may say nothing.
    await setTimeout(12_000);
    await admin.query('ROLLBACK');
    expect(await stream.next('eventAck')).toMatchObject({ durableThroughSeq: 0n });
  });

  it('stores what the device says about itself', async () => {
    const device = await enrol();
    const stream = device.connect(installation.linkPort);
    const posture = [{ capability: 'network.proxy', state: 1, reason: 'canary', provenAtMs: 1_000n }];
    stream.send({ $case: 'hello', value: { ...device.hello({ hostname: 'renamed' }), posture } });
    await stream.next('eventAck');
    await expect
      .poll(
        async () =>
          (await admin.query('SELECT hostname, posture FROM devices WHERE id = $1', [device.id])).rows[0],
      )
      .toEqual({
        hostname: 'renamed',
        posture: [
          {
            capability: 'network.proxy',
            state: 'enforced',
            reason: 'canary',
            provenAt: new Date(1_000).toISOString(),
          },
        ],
      });
  });

  it('lets the newer of two streams win and tells the older one', async () => {
    const device = await enrol();
    const older = await device.open(installation.linkPort);
    const newer = await device.open(installation.linkPort);
    expect(await older.ended).toMatchObject({ status: 10, code: 'device/replaced' });
    newer.send({ $case: 'events', value: device.batch(device.record(1), 1) });
    await newer.durable(1);
  });

  it('pauses a device when two machines use its identity in turn, and sends both away', async () => {
    const device = await enrol();
    const first = device.connect(installation.linkPort);
    first.send({ $case: 'hello', value: device.hello({ bootId: 'boot-a' }) });
    await first.next('eventAck');
    const second = device.connect(installation.linkPort);
    second.send({ $case: 'hello', value: device.hello({ bootId: 'boot-b' }) });
    await second.next('eventAck');
    const returned = device.connect(installation.linkPort);
    returned.send({ $case: 'hello', value: device.hello({ bootId: 'boot-a' }) });
    expect(await returned.ended).toMatchObject({ status: 9, code: 'device/paused' });
    expect(await second.ended).toMatchObject({ status: 9, code: 'device/paused' });
    const { rows } = await admin.query(
      `SELECT status, (SELECT array_agg(kind ORDER BY id) FROM device_identity_events WHERE device_id = d.id) AS history,
          (SELECT array_agg(kind) FROM alerts WHERE device_id = d.id) AS alerts FROM devices d WHERE id = $1`,
      [device.id],
    );
    expect(rows).toEqual([
      { status: 'paused', history: ['enrolled', 'cloned', 'paused'], alerts: ['device/cloned'] },
    ]);
  });

  it('lets one machine boot as often as it likes', async () => {
    const device = await enrol();
    for (const bootId of ['monday', 'tuesday', 'tuesday', 'wednesday']) {
      const stream = device.connect(installation.linkPort);
      stream.send({ $case: 'hello', value: device.hello({ bootId }) });
      await stream.next('eventAck');
    }
    const { rows } = await admin.query(
      'SELECT boot_id, replaced_at IS NULL AS current FROM device_boots WHERE device_id = $1 ORDER BY first_seen_at',
      [device.id],
    );
    expect(rows).toEqual([
      { boot_id: 'monday', current: false },
      { boot_id: 'tuesday', current: false },
      { boot_id: 'wednesday', current: true },
    ]);
  });

  it('keeps the vault key that the device key has signed, and no other', async () => {
    const device = await enrol();
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-65);
    const statement = canonicalBytes({
      device: device.id,
      kind: 'vault-key',
      organisation: device.organisationId,
      publicKey: point.toString('base64url'),
    });
    const signature = sign('sha256', statement, { key: device.key, dsaEncoding: 'der' });
    const announce = async (key: Buffer, signed: Buffer) => {
      const stream = device.connect(installation.linkPort);
      const vaultKey = { publicKey: key, signature: signed };
      stream.send({ $case: 'hello', value: { ...device.hello(), vaultKey } });
      await stream.next('eventAck');
      const { rows } = await admin.query(
        `SELECT vault_public_key AS key, (SELECT count(*)::int FROM device_identity_events WHERE device_id = d.id
            AND kind = 'vault-key-changed') AS changes FROM devices d WHERE id = $1`,
        [device.id],
      );
      return rows[0];
    };
    const other = Buffer.from(point);
    other[64] = (other.at(64) ?? 0) ^ 1;
    expect(await announce(other, signature)).toEqual({ key: null, changes: 0 });
    expect(await announce(point, Buffer.alloc(70))).toEqual({ key: null, changes: 0 });
    expect(await announce(Buffer.alloc(64 * 1024), signature)).toEqual({ key: null, changes: 0 });
    expect(await announce(point, signature)).toEqual({ key: point, changes: 1 });
    expect(await announce(point, signature)).toEqual({ key: point, changes: 1 });
  });

  it('paces a watched device faster, and slower again afterwards', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    expect((await stream.next('pace')).heartbeatMs).toBe(30_000);
    installation.api.get(RedisConnections).publish(NUDGE_CHANNEL, {
      topic: 'watch',
      organisation: device.organisationId,
      device: device.id,
      until: Date.now() + 1_000,
    });
    expect((await stream.next('pace')).heartbeatMs).toBe(5_000);
    expect((await stream.next('pace')).heartbeatMs).toBe(30_000);
  });
});

describe('the link refuses', () => {
  it('a client without a certificate', async () => {
    const device = await enrol();
    const client = new LinkClient(
      `localhost:${installation.linkPort}`,
      credentials.createSsl(Buffer.from(device.ca)),
    );
    const stream = TestStream.overGrpc(client);
    stream.send({ $case: 'hello', value: device.hello() });
    expect(await stream.ended).toMatchObject({ status: 16, code: 'device/certificate-missing' });
    client.close();
  });

  it('a certificate of another authority, whatever it says', async () => {
    const device = await enrol();
    const stream = device.connect(installation.linkPort, await forgeIdentity(device));
    stream.send({ $case: 'hello', value: device.hello() });
    expect(await stream.ended).toMatchObject({ status: 16, code: 'device/certificate-unknown' });
  });

  it('a certificate of ours that was never recorded', async () => {
    const device = await enrol();
    await admin.query('DELETE FROM device_certificates WHERE device_id = $1', [device.id]);
    const stream = device.connect(installation.linkPort);
    stream.send({ $case: 'hello', value: device.hello() });
    expect(await stream.ended).toMatchObject({ status: 16, code: 'device/certificate-unknown' });
  });

  it('an expired certificate', async () => {
    const device = await enrol();
    await admin.query(
      `UPDATE device_certificates SET not_after = now() - interval '1 second' WHERE device_id = $1`,
      [device.id],
    );
    const stream = device.connect(installation.linkPort);
    stream.send({ $case: 'hello', value: device.hello() });
    expect(await stream.ended).toMatchObject({ status: 16, code: 'device/certificate-expired' });
  });

  it('a revoked device', async () => {
    const device = await enrol();
    await admin.query(`UPDATE devices SET status = 'revoked' WHERE id = $1`, [device.id]);
    const stream = device.connect(installation.linkPort);
    stream.send({ $case: 'hello', value: device.hello() });
    expect(await stream.ended).toMatchObject({ status: 7, code: 'device/revoked' });
  });

  it('a Hello in the name of another device', async () => {
    const [device, other] = [await enrol(), await enrol()];
    const stream = device.connect(installation.linkPort);
    stream.send({ $case: 'hello', value: other.hello() });
    expect(await stream.ended).toMatchObject({ status: 7, code: 'device/identity-mismatch' });
  });

  it('a protocol it does not speak', async () => {
    const device = await enrol();
    const stream = device.connect(installation.linkPort);
    stream.send({ $case: 'hello', value: device.hello({ protocolVersion: 99 }) });
    expect(await stream.ended).toMatchObject({ status: 9, code: 'link/version' });
  });

  it('anything before Hello, and a second Hello', async () => {
    const device = await enrol();
    const early = device.connect(installation.linkPort);
    early.send({ $case: 'events', value: device.batch(device.record(1), 1) });
    expect(await early.ended).toMatchObject({ status: 3, code: 'link/protocol' });
    device.head = { seq: 0, hash: '0'.repeat(64) };
    const twice = await device.open(installation.linkPort);
    twice.send({ $case: 'hello', value: device.hello() });
    expect(await twice.ended).toMatchObject({ status: 3, code: 'link/protocol' });
  });

  it('bytes that are not a message', async () => {
    const device = await enrol();
    const call = rawCall(device);
    call.write(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]));
    expect(await endOf(call)).toMatchObject({ status: 3, code: 'link/protocol' });
  });

  it('a frame that is nothing but empty entries, a million of them', async () => {
    const device = await enrol();
    const call = rawCall(device);
    const empties = Buffer.alloc(2 ** 21, Buffer.from([0x12, 0]));
    call.write(Buffer.concat([Buffer.from([0x1a, 0x80, 0x80, 0x80, 0x01]), empties]));
    expect(await endOf(call)).toMatchObject({
      status: 3,
      code: 'link/protocol',
      details: 'A message could not be understood.',
    });
  });

  it('inventories without end', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    for (let count = 0; count < 40; count += 1) {
      stream.send({ $case: 'inventory', value: { atMs: 0n, processes: 0, agents: [] } });
    }
    expect(await stream.ended).toMatchObject({ status: 3, code: 'link/protocol' });
  });

  it('a frame beyond the limit', async () => {
    const device = await enrol();
    const call = rawCall(device);
    call.write(Buffer.alloc(MAX_FRAME_BYTES + 1));
    expect(await endOf(call)).toMatchObject({ status: 8 });
  });

  it('a device that was revoked while connected, within a second of the nudge', async () => {
    const revoking = async () => {
      const device = await enrol();
      const stream = await device.open(installation.linkPort);
      await admin.query(`UPDATE devices SET status = 'revoked' WHERE id = $1`, [device.id]);
      const nudged = performance.now();
      installation.api.get(RedisConnections).publish(NUDGE_CHANNEL, {
        topic: 'standing',
        organisation: device.organisationId,
        device: device.id,
      });
      expect(await stream.ended).toMatchObject({ status: 7, code: 'device/revoked' });
      return performance.now() - nudged;
    };
    expect(await quickest(1_000, revoking)).toBeLessThan(1_000);
  });

  it('to cut anybody off because of a nudge alone', async () => {
    const device = await enrol();
    const stream = await device.open(installation.linkPort);
    const redis = installation.api.get(RedisConnections);
    redis.publish(NUDGE_CHANNEL, {
      topic: 'standing',
      organisation: device.organisationId,
      device: device.id,
    });
    redis.publish(NUDGE_CHANNEL, { topic: 'nonsense' });
    stream.send({ $case: 'events', value: device.batch(device.record(1), 1) });
    await stream.durable(1);
  });
});

describe('garbage on the ports', () => {
  it.each([
    ['tlsPort', 'http/1.1'],
    ['linkPort', 'h2'],
    ['linkPort', 'http/1.1'],
  ] as const)('does not disturb anybody (%s, %s)', async (port, protocol) => {
    for (const bytes of [randomBytes(4_096), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(0)]) {
      const socket = connectTcp(installation[port], '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.end(bytes);
      await once(socket, 'close');
    }
    const secure = connectTls({
      port: installation[port],
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: [protocol],
    });
    secure.on('error', () => undefined);
    await once(secure, 'secureConnect');
    secure.write(randomBytes(4_096));
    secure.resume();
    await once(secure, 'close');
    const device = await enrol();
    await device.open(installation.linkPort);
  });
});

/** A call whose messages are bytes as they come. */
function rawCall(device: TestDevice) {
  const client = new LinkClient(
    `localhost:${installation.linkPort}`,
    credentials.createSsl(
      Buffer.from(device.ca),
      Buffer.from(device.keyPem),
      Buffer.from(device.certificate),
    ),
    { 'grpc.max_send_message_length': -1 },
  );
  device.clients.push(client);
  const call = client.makeBidiStreamRequest(
    '/raypher.v1.Link/Connect',
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
  );
  return call.resume();
}
