import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Principal } from '../auth/principal.ts';
import { createApp } from '../http/create-app.ts';
import { LinkServer } from '../link/link-server.service.ts';
import { Installation } from '../testing/installation.ts';
import { quickest } from '../testing/quickest.ts';
import { type SeededTenant, seedTenant } from '../testing/seed-tenant.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import type { TestDevice } from '../testing/test-device.ts';
import { DeviceDecisionsService } from './device-decisions.service.ts';

describe('what is decided about a device', () => {
  let api: TestApi;
  let acme: TestOrganisation;
  let globex: SeededTenant;
  let admin: pg.Client;

  beforeAll(async () => {
    api = await TestApi.start();
    acme = await api.found('Acme');
    admin = new pg.Client({ connectionString: api.database.adminUrl });
    await admin.connect();
    globex = await seedTenant(admin, 'Globex');
  });
  afterAll(async () => {
    await admin?.end();
    await api?.stop();
  });

  async function device(status: string): Promise<string> {
    const id = randomUUID();
    await admin.query(
      `INSERT INTO devices (id, organisation_id, hostname, os, kernel, arch, agent_version, identity_class, key_fingerprint,
          machine_id, status) VALUES ($1, $2, 'laptop', 'linux', '6.1', 'x64', '0.1.0', 'unverified', sha256($3::bytea), 'm', $4)`,
      [id, acme.id, Buffer.from(id), status],
    );
    await admin.query(
      `INSERT INTO device_boots (organisation_id, device_id, boot_id) VALUES ($1, $2, 'before')`,
      [acme.id, id],
    );
    return id;
  }

  function decide(id: string, decision: string, reason = 'Looked at it') {
    return acme.administrator.post(`/v1/devices/${id}/${decision}`, { reason });
  }

  it('is shown, audited with before and after, and kept in its history', async () => {
    const id = await device('pending');
    const approved = await decide(id, 'approve', 'Bought last week');
    expect(approved.body).toMatchObject({
      status: 'active',
      history: [{ kind: 'approved', detail: 'Bought last week' }],
    });
    const paused = await decide(id, 'pause', 'Lost');
    expect(paused.body).toMatchObject({ status: 'paused', pauseReason: 'Lost' });
    const resumed = await decide(id, 'resume', 'Found again');
    expect(resumed.body).toMatchObject({ status: 'active', pauseReason: null, tpm: null, vaultKey: null });
    const kinds = resumed.body.history.map(({ kind }: { kind: string }) => kind);
    expect(kinds).toEqual(['resumed', 'paused', 'approved']);
    const audit = await acme.administrator.get('/v1/audit');
    expect(audit.body.items.slice(0, 3)).toMatchObject([
      {
        action: 'device.resume',
        reason: 'Found again',
        before: { status: 'paused' },
        after: { status: 'active' },
      },
      { action: 'device.pause', before: { status: 'active' }, after: { status: 'paused' } },
      { action: 'device.approve', before: { status: 'pending' }, after: { status: 'active' } },
    ]);
  });

  it('is an alert while a device is paused, which closes with the next decision', async () => {
    const id = await device('active');
    await decide(id, 'pause');
    const open = async () => (await acme.administrator.get('/v1/alerts?state=open')).body.items;
    expect(await open()).toMatchObject([{ kind: 'device/paused', deviceId: id }]);
    expect((await acme.administrator.get('/v1/overview')).body.alerts).toMatchObject({ open: 1 });
    await acme.administrator.post(`/v1/devices/${id}/revoke`, { reason: 'Gone for good' });
    expect(await open()).toEqual([]);
  });

  it('has to fit what the device is, and the first of two decisions counts', async () => {
    const [pending, active] = [await device('pending'), await device('active')];
    for (const [id, decision] of [
      [pending, 'pause'],
      [pending, 'resume'],
      [active, 'approve'],
      [active, 'resume'],
    ] as const) {
      expect((await decide(id, decision)).status, decision).toBe(409);
    }
    const both = await Promise.all([decide(pending, 'approve'), decide(pending, 'approve')]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await decide(active, 'pause', ' ')).status).toBe(400);
  });

  it('is for those who manage devices, within their organisation', async () => {
    const id = await device('pending');
    const manager = await api.member(acme, 'manager');
    for (const decision of ['approve', 'pause', 'resume']) {
      expect((await manager.post(`/v1/devices/${id}/${decision}`, { reason: 'Please' })).status).toBe(403);
      expect((await decide(globex.device, decision)).status).toBe(404);
    }
  });

  it('filters the list', async () => {
    const [pending, paused] = [await device('pending'), await device('paused')];
    const ids = async (state: string) =>
      (await acme.administrator.get(`/v1/devices?state=${state}&limit=100`)).body.items.map(
        ({ id }: { id: string }) => id,
      );
    expect(await ids('pending')).toContain(pending);
    expect(await ids('pending')).not.toContain(paused);
    expect(await ids('paused')).toContain(paused);
  });

  it('forgets the boots of before when a device is resumed', async () => {
    const id = await device('paused');
    await decide(id, 'resume');
    const { rowCount } = await admin.query('SELECT 1 FROM device_boots WHERE device_id = $1', [id]);
    expect(rowCount).toBe(0);
  });
});

describe('a decision reaches the link', () => {
  let installation: Installation;
  let admin: pg.Client;
  let devices: TestDevice[] = [];
  let caller: Principal;

  beforeAll(async () => {
    installation = await Installation.start();
    admin = new pg.Client({ connectionString: installation.database.adminUrl });
    await admin.connect();
    caller = await installation.caller();
  });
  afterEach(() => {
    for (const one of devices) one.close();
    devices = [];
  });
  afterAll(async () => {
    await admin?.end();
    await installation?.stop();
  });

  async function enrol(): Promise<TestDevice> {
    const one = await installation.enrolDevice();
    devices.push(one);
    return one;
  }

  it('a pending device is sent away with a time to come back, and let in within a second of its approval', async () => {
    const lettingIn = async () => {
      const one = await enrol();
      await admin.query(`UPDATE devices SET status = 'pending' WHERE id = $1`, [one.id]);
      const waiting = one.connect(installation.linkPort);
      waiting.send({ $case: 'hello', value: one.hello() });
      const retry = await waiting.next('retry');
      expect(retry.reason).toBe('device/pending');
      expect(retry.afterMs).toBeGreaterThanOrEqual(10_000);
      expect(retry.afterMs).toBeLessThanOrEqual(15_000);
      expect(await waiting.ended).toMatchObject({ status: 9, code: 'device/pending' });
      const approvedAt = performance.now();
      await installation.api
        .get(DeviceDecisionsService, { strict: false })
        .approve(caller, one.id, { reason: 'Ours' });
      await expect
        .poll(
          async () => {
            const stream = one.connect(installation.linkPort);
            stream.send({ $case: 'hello', value: one.hello() });
            return Promise.race([
              stream.next('eventAck').then(() => 'open'),
              stream.ended.then(({ code }) => code),
            ]);
          },
          { interval: 50 },
        )
        .toBe('open');
      return performance.now() - approvedAt;
    };
    expect(await quickest(1_000, lettingIn)).toBeLessThan(1_000);
  });

  it('pausing ends its streams at every ingestor within a second', async () => {
    const second = await createApp(installation.configOf('link', { RAYPHER_LINK_PORT: '0' }));
    try {
      await second.listen(0, '127.0.0.1');
      const port = await second.get(LinkServer).listen();
      const decisions = installation.api.get(DeviceDecisionsService, { strict: false });
      for (const connectedTo of [installation.linkPort, port]) {
        const pausing = async () => {
          const one = await enrol();
          const stream = await one.open(connectedTo);
          const pausedAt = performance.now();
          await decisions.pause(caller, one.id, { reason: 'Looked strange' });
          expect(await stream.ended).toMatchObject({ status: 9, code: 'device/paused' });
          const tookMs = performance.now() - pausedAt;
          const again = one.connect(port);
          again.send({ $case: 'hello', value: one.hello() });
          expect(await again.next('retry')).toMatchObject({ reason: 'device/paused' });
          return tookMs;
        };
        expect(await quickest(1_000, pausing)).toBeLessThan(1_000);
      }
    } finally {
      await second.close();
    }
  });

  it('notices a clone that connects at another ingestor', async () => {
    const second = await createApp(installation.configOf('link', { RAYPHER_LINK_PORT: '0' }));
    try {
      await second.listen(0, '127.0.0.1');
      const port = await second.get(LinkServer).listen();
      const one = await enrol();
      await one.open(installation.linkPort);
      const clone = one.connect(port);
      clone.send({ $case: 'hello', value: one.hello({ bootId: 'boot-of-the-clone' }) });
      await clone.next('eventAck');
      const original = one.connect(installation.linkPort);
      original.send({ $case: 'hello', value: one.hello() });
      expect(await original.ended).toMatchObject({ code: 'device/paused' });
      expect(await clone.ended).toMatchObject({ code: 'device/paused' });
      const { rows } = await admin.query(
        `SELECT actor_name AS actor, before->>'status' AS before, after->>'status' AS after FROM audit_entries
          WHERE action = 'device.pause' AND after->>'id' = $1`,
        [one.id],
      );
      expect(rows).toEqual([{ actor: 'link', before: 'active', after: 'paused' }]);
    } finally {
      await second.close();
    }
  });
});
