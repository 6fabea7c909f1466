import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { LINK_TRANSPORTS, MAX_FRAME_BYTES, Phase, StateKind } from '@raypher/shared';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SweepService } from '../desired-state/sweep.service.ts';
import { SigningService } from '../keys/signing.service.ts';
import { NUDGE_CHANNEL, presenceKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { CuttingRelay } from '../testing/cutting-relay.ts';
import { forgeIdentity } from '../testing/forged-identity.ts';
import { Installation } from '../testing/installation.ts';
import { nudge, storeState } from '../testing/publish-state.ts';
import { quickest } from '../testing/quickest.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { TestStream } from '../testing/test-stream.ts';
import { MAX_CHATTER } from './agent-messages.service.ts';
import { StreamRegistry } from './stream-registry.ts';
import { encode } from './wire.ts';

let installation: Installation;
let admin: pg.Client;
let device: TestDevice;
let revision = 0;

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});

beforeEach(async () => {
  device = await installation.enrolDevice();
});

afterEach(() => device.close());

afterAll(async () => {
  await admin?.end();
  await installation?.stop();
});

async function stored(): Promise<string[]> {
  const { rows } = await admin.query<{ entry: string }>(
    'SELECT entry FROM events WHERE device_id = $1 ORDER BY seq, received_on',
    [device.id],
  );
  return rows.map(({ entry }) => entry);
}

function announceStanding(): void {
  installation.api.get(RedisConnections).publish(NUDGE_CHANNEL, {
    topic: 'standing',
    organisation: device.organisationId,
    device: device.id,
  });
}

describe.each(LINK_TRANSPORTS)('over %s', (transport) => {
  const open = () => device.openOver(transport, installation.linkPort);
  const connect = (identity?: { key: string; certificate: string }): TestStream => {
    const stream = device.connectOver(transport, installation.linkPort, identity);
    stream.send({ $case: 'hello', value: device.hello() });
    return stream;
  };

  it('Hello is answered, the control plane knows what carries it, and events become durable', async () => {
    const stream = await open();
    expect((await stream.next('pace')).heartbeatMs).toBe(30_000);
    const held = installation.link.get(StreamRegistry).find(device.id);
    expect(held?.line.transport).toBe(transport);
    const { commands } = installation.link.get(RedisConnections);
    const presence = () => commands.hget(presenceKey(device.organisationId), device.id);
    await expect.poll(presence).toContain(`"transport":"${transport}"`);
    const entries = device.record(5);
    for (const [index, entry] of entries.entries()) {
      stream.send({ $case: 'events', value: device.batch([entry], index + 1) });
      await stream.durable(index + 1);
    }
    expect(await stored()).toEqual(entries.map(String));
  });

  it.each(['policy', 'freeze'] as const)(
    'a nudged %s arrives within a second and its acknowledgement counts',
    async (kind) => {
      const stream = await open();
      const arriving = async () => {
        revision += 1;
        const published = await storeState(installation, kind, revision);
        const nudged = performance.now();
        nudge(installation, kind, revision);
        for (;;) {
          const sent = await stream.next('desired');
          if (sent[kind]?.revision === BigInt(revision)) break;
        }
        const tookMs = performance.now() - nudged;
        const value = {
          kind: kind === 'policy' ? StateKind.STATE_KIND_POLICY : StateKind.STATE_KIND_FREEZE,
          revision: BigInt(revision),
          digest: published.digest,
          phase: Phase.PHASE_APPLIED,
          code: '',
          detail: '',
          affected: 1,
        };
        stream.send({ $case: 'ack', value });
        const phase = async () => {
          const { rows } = await admin.query(
            'SELECT phase FROM rollout_devices WHERE device_id = $1 AND rollout_id = $2',
            [device.id, published.rolloutId],
          );
          return rows[0]?.phase;
        };
        await expect.poll(phase).toBe('applied');
        return tookMs;
      };
      expect(await quickest(1_000, arriving)).toBeLessThan(1_000);
    },
  );

  it('a command arrives once and ends with its result', async () => {
    const stream = await open();
    const id = await order();
    expect((await stream.next('command')).id).toBe(id);
    const value = { commandId: id, ok: true, code: '', detail: 'done', resultJson: '{}' };
    stream.send({ $case: 'commandResult', value });
    const read = async () =>
      (await admin.query('SELECT ok, detail FROM commands WHERE id = $1', [id])).rows[0];
    await expect.poll(read).toEqual({ ok: true, detail: 'done' });
    expect(stream.received.filter(({ $case }) => $case === 'command')).toEqual([]);
  });

  it('a revoked device is told why within a second of the nudge', async () => {
    const telling = async () => {
      device.close();
      device = await installation.enrolDevice();
      const stream = await open();
      await admin.query(`UPDATE devices SET status = 'revoked' WHERE id = $1`, [device.id]);
      const nudged = performance.now();
      announceStanding();
      expect(await stream.ended).toMatchObject({ status: 7, code: 'device/revoked' });
      const tookMs = performance.now() - nudged;
      expect(await connect().ended).toMatchObject({ code: 'device/revoked' });
      return tookMs;
    };
    expect(await quickest(1_000, telling)).toBeLessThan(1_000);
  });

  it('a paused device is told when to come back, and why', async () => {
    await admin.query(`UPDATE devices SET status = 'paused' WHERE id = $1`, [device.id]);
    const stream = connect();
    const retry = await stream.next('retry');
    expect(retry).toMatchObject({ reason: 'device/paused' });
    expect(retry.afterMs).toBeGreaterThanOrEqual(20_000);
    expect(await stream.ended).toMatchObject({
      code: 'device/paused',
      details: expect.stringMatching(/^This device was paused/),
    });
  });

  it('a certificate of another authority is refused, whatever it says', async () => {
    const stream = connect(await forgeIdentity(device));
    expect(await stream.ended).toMatchObject({ status: 16, code: 'device/certificate-unknown' });
  });

  it('an expired certificate is refused, and one that expires ends its stream', async () => {
    const expire = (when: string) =>
      admin.query('UPDATE device_certificates SET not_after = now() + $2::interval WHERE device_id = $1', [
        device.id,
        when,
      ]);
    // Long enough to get in.
    await expire('5 seconds');
    const stream = await open();
    await expire('-1 second');
    await expect
      .poll(async () => {
        await installation.link.get(SweepService).run();
        return Promise.race([stream.ended, undefined]);
      })
      .toMatchObject({ code: 'device/certificate-expired' });
    expect(await connect().ended).toMatchObject({ status: 16, code: 'device/certificate-expired' });
  });

  it('a frame beyond the limit ends the line, and nothing of it is kept', async () => {
    const stream = await open();
    const [entry = Buffer.alloc(0)] = device.record(1);
    const value = { ...device.batch([entry], 1), entries: [entry, Buffer.alloc(MAX_FRAME_BYTES)] };
    stream.send({ $case: 'events', value });
    expect((await stream.ended).details).not.toBe('');
    expect(await stored()).toEqual([]);
  });

  it('more messages than any agent would send end the stream', async () => {
    const stream = await open();
    const value = { commandId: 'x', ok: true, code: '', detail: '', resultJson: '' };
    for (let count = 0; count < 10 * MAX_CHATTER; count += 1) {
      stream.send({ $case: 'commandResult', value });
    }
    expect(await stream.ended).toMatchObject({ status: 3, code: 'link/protocol' });
  });

  it('what a device does not read is not kept for it beyond a few messages', async () => {
    const relay = await CuttingRelay.start(installation.linkPort);
    await device.openOver(transport, relay.port);
    relay.stall();
    const held = installation.link.get(StreamRegistry).find(device.id);
    const frame = encode({ $case: 'retry', value: { afterMs: 1, reason: 'x'.repeat(1024 * 1024) } });
    let accepted = 0;
    // Offered again and again, as sweeps do, with time for the sockets in between.
    for (let offer = 0; offer < 200; offer += 1) {
      if (held?.send(frame)) accepted += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(40);
    expect(held?.blockedSince).toBeDefined();
    await relay.stop();
  });

  it('a second line of the device replaces the first, which is told', async () => {
    const older = await open();
    const newer = await open();
    expect(await older.ended).toMatchObject({ status: 10, code: 'device/replaced' });
    newer.send({ $case: 'events', value: device.batch(device.record(1), 1) });
    await newer.durable(1);
  });

  it('a device that leaves is known to be gone at once', async () => {
    const stream = await open();
    const registry = installation.link.get(StreamRegistry);
    expect(registry.find(device.id)).toBeDefined();
    stream.call.end();
    await expect.poll(() => registry.find(device.id)).toBeUndefined();
  });

  it('connections that break at any point lose no event and repeat none', { timeout: 90_000 }, async () => {
    const relay = await CuttingRelay.start(installation.linkPort);
    const total = 150;
    const entries = device.record(total);
    let durable = 0;
    /** Where lines ended that had got on. */
    const breaks = new Set<number>();
    // In the handshake, in Hello, in a batch or in its answer. What is sent is 80 kB or more: never less than five lines.
    relay.cutAfterBytes = () => 2_000 + Math.floor(Math.random() * 16_000);
    try {
      for (let lines = 0; durable < total && lines < 100; lines += 1) {
        const stream = device.connectOver(transport, relay.port);
        stream.send({ $case: 'hello', value: device.hello() });
        durable = await sendRest(stream, entries, durable);
        breaks.add(durable);
        stream.call.cancel();
        relay.cutAll();
      }
    } finally {
      await relay.stop();
    }
    expect(await stored()).toEqual(entries.map(String));
    expect(relay.cuts).toBeGreaterThan(3);
    expect(breaks.size).toBeGreaterThan(transport === 'long-poll' ? 0 : 3);
  });

  /** @returns through which entry the control plane has them, when the line ends or all are there */
  async function sendRest(stream: TestStream, entries: Buffer[], known: number): Promise<number> {
    let durable = known;
    try {
      durable = Number((await stream.next('eventAck')).durableThroughSeq);
      while (durable < entries.length) {
        const batch = entries.slice(durable, durable + 3);
        stream.send({ $case: 'events', value: device.batch(batch, durable + 1) });
        await stream.durable(durable + batch.length);
        durable += batch.length;
      }
    } catch {
      // It was cut; the next line says where to go on.
    }
    return durable;
  }

  async function order(): Promise<string> {
    const id = randomUUID();
    const { organisationId } = installation;
    const signed = await installation.api.get(SigningService).signBundle(organisationId, {
      kind: 'command',
      id,
      organisation: organisationId,
      device: device.id,
      verb: 'scan',
      arguments: {},
      reason: 'test',
      issuedAt: new Date().toISOString(),
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    });
    await admin.query(
      `INSERT INTO commands (id, organisation_id, device_id, verb, payload, signature, key_id, reason, created_by, expires_at)
       VALUES ($1, $2, $3, 'scan', $4, $5, $6, 'test', 'test', now() + interval '1 minute')`,
      [id, organisationId, device.id, signed.payload, signed.signature, signed.keyId],
    );
    const redis = installation.api.get(RedisConnections);
    redis.publish(NUDGE_CHANNEL, { topic: 'command', organisation: organisationId, device: device.id, id });
    return id;
  }
});
