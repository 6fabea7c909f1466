import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SampleLog, sampleLog } from '@raypher/ledger/testing';
import { Permission, ROLE_PERMISSIONS } from '@raypher/shared/rest';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintApiToken } from '../auth/api-token.ts';
import { PrivatePurge } from '../jobs/private-purge.ts';
import { LedgerAuditService } from '../ledger/ledger-audit.service.ts';
import { seedSampleLog } from '../testing/seed-sample-log.ts';
import { TestApi } from '../testing/test-api.ts';
import { TestClient } from '../testing/test-client.ts';
import { ArchiveRuns } from './archive-runs.service.ts';
import { DayDrops } from './day-drops.service.ts';
import { FolderStore } from './folder-store.ts';

let api: TestApi;
let admin: pg.Client;
let folder: string;
let acme: Tenant;

/** An organisation with a log of its own that nobody but the test writes to: who asks are programs with tokens. */
interface Tenant {
  id: string;
  log: SampleLog;
  administrator: TestClient;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'raypher-archive-'));
  api = await TestApi.start({ archive: { kind: 'folder', directory: folder } });
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await api.stop();
  await rm(folder, { recursive: true });
});
/** @param days how many days ago its events arrived */
async function tenant(entries: number, days = 0): Promise<Tenant> {
  const log = await sampleLog(entries);
  const { organisation: id } = await seedSampleLog(admin, log, { days });
  return { id, log, administrator: await program(id, [...Permission.options]) };
}

async function program(organisation: string, scopes: Permission[]): Promise<TestClient> {
  const { token, hash } = mintApiToken();
  await admin.query(
    `INSERT INTO api_tokens (organisation_id, name, secret_hash, scopes, created_by) VALUES ($1, 'T', $2, $3, 'M')`,
    [organisation, hash, scopes],
  );
  return new TestClient(api.url, { authorization: `Bearer ${token}` });
}

const status = async () => (await acme.administrator.get('/v1/ledger/archive')).body;

async function alerts(): Promise<{ kind: string; title: string; detail: { index?: number } }[]> {
  const { body } = await acme.administrator.get('/v1/alerts?state=open');
  return body.items.filter(({ kind }: { kind: string }) => kind.startsWith('archive.'));
}

describe('the archive over REST', () => {
  it('archives and verifies when it is asked to, and says how far it is', async () => {
    acme = await tenant(300);
    const { length: size } = acme.log.entries;
    expect(await status()).toMatchObject({ destination: `folder:${folder}`, state: 'ok', archivedSize: 0 });
    expect((await acme.administrator.post('/v1/ledger/archive/run', {})).status).toBe(202);
    await expect.poll(status).toMatchObject({ logSize: size, archivedSize: size, checkedSize: size });
    expect((await acme.administrator.post('/v1/ledger/archive/verify', {})).status).toBe(202);
    await expect.poll(status).toMatchObject({ state: 'ok', verifiedSize: size });
    const { body } = await acme.administrator.get('/v1/audit');
    expect(body.items.map(({ action }: { action: string }) => action)).toEqual([
      'archive.verify',
      'archive.run',
    ]);
  });

  it('alerts with the first bad entry when the archive was changed, and is quiet when it is right again', async () => {
    acme = await tenant(300);
    const runs = api.app.get(ArchiveRuns, { strict: false });
    await runs.archive(acme.id);
    const store = new FolderStore(folder);
    const name = `ledger/${acme.id}/tile/entries/000`;
    const right = (await store.read(name)) ?? new Uint8Array();
    await store.replace(
      name,
      Buffer.from(Buffer.from(right).toString('latin1').replace('kim', 'tim'), 'latin1'),
    );
    await expect(runs.verify(acme.id)).rejects.toMatchObject({ code: 'archive/corrupted' });
    expect(await status()).toMatchObject({ state: 'corrupted', problem: expect.stringContaining('archive') });
    expect(await alerts()).toMatchObject([
      { kind: 'archive.corrupted', severity: 'critical', detail: { index: 0 } },
    ]);
    await runs.verify(acme.id).catch(() => undefined);
    expect(await alerts()).toHaveLength(1);
    await store.replace(name, right);
    await runs.verify(acme.id);
    expect(await status()).toMatchObject({ state: 'ok', problem: null });
    expect(await alerts()).toEqual([]);
  });

  it('verifies what the control plane itself recorded, as its own writer put it into the log', async () => {
    const { id, administrator } = await api.found('Real');
    const archive = async () => (await administrator.get('/v1/ledger/archive')).body;
    await administrator.post('/v1/teams', { name: 'a team' });
    await expect.poll(async () => (await archive()).logSize).toBeGreaterThan(1);
    const runs = api.app.get(ArchiveRuns, { strict: false });
    await runs.archive(id);
    await runs.verify(id);
    const { state, archivedSize, verifiedSize } = await archive();
    expect({ state, verifiedSize }).toEqual({ state: 'ok', verifiedSize: archivedSize });
    expect(archivedSize).toBeGreaterThan(1);
  });

  it('is for those who may, and shows an organisation nothing of another one', async () => {
    acme = await tenant(60);
    const { log } = acme;
    await api.app.get(ArchiveRuns, { strict: false }).archive(acme.id);
    const auditor = await program(acme.id, ROLE_PERMISSIONS.auditor.slice());
    const developer = await program(acme.id, ROLE_PERMISSIONS.developer.slice());
    const body = { reason: 'because I want to' };
    for (const path of ['/v1/ledger/archive/run', '/v1/ledger/archive/verify', '/v1/settings/legal-holds']) {
      expect((await auditor.post(path, body)).status, path).toBe(403);
    }
    expect((await auditor.get('/v1/ledger/archive')).status).toBe(200);
    expect((await developer.get('/v1/ledger/archive')).status).toBe(403);
    const entry = await auditor.get('/v1/ledger/archive/entries/2');
    expect(entry.body).toMatchObject({ index: 2, entry: Buffer.from(log.entries[2] ?? []).toString() });
    const { id: other } = await api.found('Globex');
    const stranger = await program(other, ['ledger:read']);
    expect((await stranger.get('/v1/ledger/archive/entries/2')).status).toBe(404);
    for (const index of ['-1', 'x', '1.5', '99999999']) {
      expect((await auditor.get(`/v1/ledger/archive/entries/${index}`)).status, index).toBe(404);
    }
  });
});

describe('a day that is over', () => {
  it('leaves the database once it was archived and read back; its entries are read from the archive', async () => {
    acme = await tenant(600, 35);
    const { log } = acme;
    const { length: size } = log.entries;
    const drops = api.app.get(DayDrops, { strict: false });
    expect(await drops.run()).toEqual([]);
    await api.app.get(ArchiveRuns, { strict: false }).archive(acme.id);
    const { rows } = await admin.query(
      'SELECT count(*)::int AS left FROM events WHERE organisation_id = $1',
      [acme.id],
    );
    expect(rows).toEqual([{ left: 0 }]);
    const retention = (await acme.administrator.get('/v1/settings/record-retention')).body;
    expect(retention).toMatchObject({ hotDays: 30, archivedOnly: { days: 1 } });
    for (const index of [3, size - 1]) {
      const { body } = await acme.administrator.get(`/v1/ledger/archive/entries/${index}`);
      expect(body.entry).toBe(Buffer.from(log.entries[index] ?? []).toString());
      expect(body.proof.length).toBeGreaterThan(0);
    }
    await api.app.get(ArchiveRuns, { strict: false }).verify(acme.id);
    expect(await status()).toMatchObject({ state: 'ok', verifiedSize: size });
  });

  it('is audited, exported and shown as before: from the archive, and what is wrong there is found', async () => {
    acme = await tenant(600, 35);
    const { log } = acme;
    const audits = api.app.get(LedgerAuditService, { strict: false });
    expect(await audits.audit(acme.id, 'all')).toMatchObject({ state: 'OK', entries: log.entries.length });
    await api.app.get(ArchiveRuns, { strict: false }).archive(acme.id);
    expect((await acme.administrator.get('/v1/settings/record-retention')).body.archivedOnly.days).toBe(1);
    expect(await audits.audit(acme.id, 'all')).toMatchObject({ state: 'OK', entries: log.entries.length });
    const shown = await acme.administrator.get('/v1/ledger/entries/8');
    expect(shown.body.entry).toBe(Buffer.from(log.entries[8] ?? []).toString());
    const proof = await acme.administrator.get('/v1/ledger/proof?index=8');
    expect(proof.body).toMatchObject({ index: 8, size: log.entries.length });

    const store = new FolderStore(folder);
    const name = `ledger/${acme.id}/tile/entries/001`;
    const bytes = Buffer.from((await store.read(name)) ?? []);
    bytes[9] = (bytes[9] ?? 0) ^ 1;
    await store.replace(name, bytes);
    expect(await audits.audit(acme.id, 'all')).toMatchObject({
      state: 'CORRUPTED',
      faults: { entries: expect.arrayContaining([expect.objectContaining({ index: 256 })]) },
    });
  });

  it('hides nobody’s deletion: an event that was not dropped is missed, though the archive has it', async () => {
    acme = await tenant(600);
    await api.app.get(ArchiveRuns, { strict: false }).archive(acme.id);
    await admin.query(`SET session_replication_role = 'replica'`);
    await admin.query('DELETE FROM events WHERE organisation_id = $1 AND seq = 9', [acme.id]);
    await admin.query('RESET session_replication_role');
    const audits = api.app.get(LedgerAuditService, { strict: false });
    expect(await audits.audit(acme.id, 'all')).toMatchObject({ state: 'CORRUPTED' });
  });

  it('is restored as a range of entries, page by page, and not when the archive was changed', async () => {
    acme = await tenant(600);
    await api.app.get(ArchiveRuns, { strict: false }).archive(acme.id);
    const restored: string[] = [];
    for (let from: number | null = 0; from !== null; ) {
      const { body } = await acme.administrator.get(`/v1/ledger/archive/entries?from=${from}&limit=300`);
      restored.push(...body.items.map(({ entry }: { entry: string }) => entry));
      from = body.next;
    }
    expect(restored).toEqual(acme.log.entries.map((bytes) => Buffer.from(bytes).toString()));
    const { body } = await acme.administrator.get('/v1/ledger/archive/entries?from=254&limit=4');
    expect(body.items.map(({ index }: { index: number }) => index)).toEqual([254, 255, 256, 257]);
    expect((await acme.administrator.get('/v1/ledger/archive/entries?from=100000')).body).toEqual({
      items: [],
      next: null,
    });
    expect((await acme.administrator.get('/v1/ledger/archive/entries?limit=5000')).status).toBe(400);
    const store = new FolderStore(folder);
    const name = `ledger/${acme.id}/tile/entries/001`;
    const bytes = Buffer.from((await store.read(name)) ?? []);
    bytes[9] = (bytes[9] ?? 0) ^ 1;
    await store.replace(name, bytes);
    const changed = await acme.administrator.get('/v1/ledger/archive/entries?from=250&limit=10');
    expect(changed.body.error).toMatchObject({ code: 'archive/corrupted', details: { index: 256 } });
  });
});

describe('settings of the record', () => {
  it('are changed with a reason, within bounds, and stand in the audit', async () => {
    acme = await tenant(60);
    const put = (body: object) => acme.administrator.request('PUT', '/v1/settings/record-retention', body);
    expect((await acme.administrator.get('/v1/settings/record-retention')).body).toMatchObject({
      hotDays: 30,
      archiveYears: 1,
      isHeld: false,
      holds: [],
      updatedBy: null,
    });
    for (const wrong of [
      { hotDays: 6, archiveYears: 1, reason: 'our policy' },
      { hotDays: 30, archiveYears: 8, reason: 'our policy' },
      { hotDays: 30, archiveYears: 7 },
    ]) {
      expect((await put(wrong)).status).toBe(400);
    }
    const changed = await put({ hotDays: 90, archiveYears: 7, reason: 'our policy' });
    expect(changed.body).toMatchObject({ hotDays: 90, archiveYears: 7, updatedBy: expect.any(String) });
    const { body } = await acme.administrator.get('/v1/audit?limit=1');
    expect(body.items[0]).toMatchObject({
      action: 'settings.record-retention',
      reason: 'our policy',
      before: { hotDays: 30, archiveYears: 1 },
      after: { hotDays: 90, archiveYears: 7 },
    });
  });

  it('a legal hold keeps private parts from the purge, and stands in the audit with who and why', async () => {
    acme = await tenant(60);
    const { administrator, log } = acme;
    const device = log.devices[0]?.device ?? '';
    await admin.query(
      `INSERT INTO event_private (organisation_id, device_id, seq, content, stored_at, expires_at)
        VALUES ($1, $2, 1, '{}', now() - interval '31 days', now() - interval '1 day')`,
      [acme.id, device],
    );
    const held = await administrator.post('/v1/settings/legal-holds', { reason: 'A lawsuit' });
    expect(held.status).toBe(201);
    expect(held.body).toMatchObject({ isHeld: true, holds: [{ reason: 'A lawsuit', liftedAt: null }] });
    const purge = api.app.get(PrivatePurge, { strict: false });
    const left = async () =>
      (await admin.query('SELECT 1 FROM event_private WHERE organisation_id = $1', [acme.id])).rowCount;
    await purge.run();
    expect(await left()).toBe(1);
    const [{ id }] = held.body.holds;
    const lift = () => administrator.post(`/v1/settings/legal-holds/${id}/lift`, { reason: 'It is over' });
    expect((await lift()).body).toMatchObject({ isHeld: true, holds: [{ liftReason: 'It is over' }] });
    expect((await lift()).status).toBe(404);
    await purge.run();
    expect(await left()).toBe(1);
    await admin.query(`SET session_replication_role = 'replica'`);
    await admin.query(`UPDATE legal_holds SET lifted_at = now() - interval '8 days' WHERE id = $1`, [id]);
    await admin.query('RESET session_replication_role');
    await purge.run();
    expect(await left()).toBe(0);
    const { body } = await administrator.get('/v1/audit?limit=2');
    expect(body.items).toMatchObject([
      { action: 'legal-hold.lift', reason: 'It is over', target: id },
      { action: 'legal-hold.place', reason: 'A lawsuit', target: id },
    ]);
  });
});

describe('an installation without an archive', () => {
  it('drops nothing and says so once events are older than they would have to be', async () => {
    const plain = await TestApi.start();
    const client = new pg.Client({ connectionString: plain.database.adminUrl });
    await client.connect();
    try {
      const { administrator } = await plain.found('Plain');
      const runs = plain.app.get(ArchiveRuns, { strict: false });
      const missing = async () => {
        const { body } = await administrator.get('/v1/alerts?state=open');
        return body.items.filter(({ kind }: { kind: string }) => kind === 'archive.missing').length;
      };
      await runs.archive();
      expect(await missing()).toBe(0);
      await seedSampleLog(client, await sampleLog(60), { days: 35 });
      await runs.archive();
      await runs.archive();
      expect(await missing()).toBe(1);
      const { rows } = await client.query('SELECT count(*)::int AS kept FROM events');
      expect(rows[0].kept).toBeGreaterThan(20);
      expect((await administrator.post('/v1/ledger/archive/verify', {})).body.error.code).toBe(
        'archive/not-configured',
      );
      expect((await administrator.get('/v1/ledger/archive')).body).toMatchObject({ state: 'not-configured' });
    } finally {
      await client.end();
      await plain.stop();
    }
  });
});
