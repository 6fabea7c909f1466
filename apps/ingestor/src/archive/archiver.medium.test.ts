import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyExport } from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { type SampleLog, sampleLog } from '@raypher/ledger/testing';
import { createTestDatabase, type S3Server, startS3, type TestDatabase } from '@raypher/testkit';
import { build } from 'esbuild';
import pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { type ArchiveParts, archiveParts } from '../testing/archive-parts.ts';
import { seedSampleLog } from '../testing/seed-sample-log.ts';
import type { S3Archive } from './archive-config.ts';
import { ArchiveHolds } from './archive-holds.service.ts';
import { archiveReader } from './archive-reader.ts';
import type { ArchiveStore } from './archive-store.ts';
import { FolderStore } from './folder-store.ts';
import { S3Store } from './s3-store.ts';

const HOUR_MS = 3_600_000;

let database: TestDatabase;
let admin: pg.Client;
let parts: ArchiveParts;
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.adminUrl });
  await admin.connect();
  parts = archiveParts(database.urls.app);
  folder = await mkdtemp(join(tmpdir(), 'raypher-archive-'));
});
afterEach(async () => {
  await Promise.all([admin.end(), parts.database.close()]);
  await database.drop();
  await rm(folder, { recursive: true });
});

const cursorOf = (organisation: string) =>
  parts.database.within(organisation, (tx) => parts.cursors.find(tx, organisation));

async function namesOf(store: ArchiveStore): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.list('ledger/')) names.push(name);
  return names;
}

/** As an auditor would, who has the log's key. */
function verify(store: ArchiveStore, log: SampleLog) {
  return verifyExport(archiveReader(store, log.organisation), { vkey: log.vkey, primitives: nodePrimitives });
}

/** More of the same devices, and a checkpoint over it. */
async function grow(
  log: SampleLog,
  devices: ReturnType<SampleLog['device']>[],
  entries: number,
): Promise<void> {
  const end = log.entries.length + entries;
  while (log.entries.length < end) for (const device of devices) log.batch(device, 9);
  await log.checkpoint();
}

describe('an archive', () => {
  it('is an export that verifies, and grows by what is new alone', async () => {
    const log = await sampleLog(700);
    const device = log.device();
    await grow(log, [device], 20);
    const { organisation, size } = await seedSampleLog(admin, log);
    const store = new FolderStore(folder);
    expect(await parts.archiver.archive(organisation, store, { force: true })).toBe(size);
    const first = await verify(store, log);
    expect(first.faults.kept).toEqual([]);
    expect(first).toMatchObject({ verdict: 'VERIFIED', size, counts: { entries: size, absent: 0 } });
    const before = await namesOf(store);

    await grow(log, [device], 900);
    const grown = await seedSampleLog(admin, log, { after: size });
    expect(await parts.archiver.archive(organisation, store, { force: true })).toBe(grown.size - size);
    expect(await verify(store, log)).toMatchObject({ verdict: 'VERIFIED', size: grown.size });
    expect(await namesOf(store)).toEqual(expect.arrayContaining(before));
    expect(await cursorOf(organisation)).toMatchObject({ size: grown.size, target: undefined, state: 'ok' });
    expect(await parts.archiver.archive(organisation, store, { force: true })).toBe(0);
  });

  it('waits with few entries for a day, and no longer', async () => {
    const log = await sampleLog(40);
    const { organisation, size } = await seedSampleLog(admin, log);
    const store = new FolderStore(folder);
    const now = Date.now();
    expect(await parts.archiver.archive(organisation, store, { now })).toBe(size);
    await grow(log, [log.device()], 30);
    const { size: grown } = await seedSampleLog(admin, log, { after: size });
    expect(await parts.archiver.archive(organisation, store, { now: now + 23 * HOUR_MS })).toBe(0);
    expect(await parts.archiver.archive(organisation, store, { now: now + 24 * HOUR_MS })).toBe(grown - size);
    expect(await verify(store, log)).toMatchObject({ verdict: 'VERIFIED', size: grown });
  });

  it('keeps the organisations apart', async () => {
    const [one, two] = [await sampleLog(60), await sampleLog(60)];
    await seedSampleLog(admin, one);
    await seedSampleLog(admin, two);
    const store = new FolderStore(folder);
    await parts.archiver.archive(one.organisation, store, { force: true });
    expect((await namesOf(store)).every((name) => name.startsWith(`ledger/${one.organisation}/`))).toBe(true);
    await parts.archiver.archive(two.organisation, store, { force: true });
    expect(await verify(store, one)).toMatchObject({ verdict: 'VERIFIED', organisation: one.organisation });
    expect(await verify(store, two)).toMatchObject({ verdict: 'VERIFIED', organisation: two.organisation });
  });

  it('has nothing that may have to be erased', async () => {
    const log = await sampleLog(60);
    const { organisation } = await seedSampleLog(admin, log);
    const store = new FolderStore(folder);
    await parts.archiver.archive(organisation, store, { force: true });
    expect(log.privateParts.length).toBeGreaterThan(0);
    expect((await namesOf(store)).filter((name) => name.includes('private'))).toEqual([]);
    expect(await verify(store, log)).toMatchObject({ counts: { privateOpened: 0 } });
  });

  it('takes nothing that the log does not commit to: a changed or missing row stops it before that entry', async () => {
    for (const change of [
      `UPDATE events SET entry = replace(entry, 'api.example', 'api.elsewhere') WHERE seq = 5`,
      'DELETE FROM events WHERE seq = 5',
    ]) {
      const log = await sampleLog(60);
      const { organisation } = await seedSampleLog(admin, log);
      await admin.query(`SET session_replication_role = 'replica'`);
      await admin.query(`${change} AND organisation_id = $1`, [organisation]);
      await admin.query('RESET session_replication_role');
      const store = new FolderStore(folder);
      await expect(parts.archiver.archive(organisation, store, { force: true })).rejects.toMatchObject({
        code: 'archive/corrupted',
        details: { where: 'database', index: expect.any(Number) },
      });
      expect((await namesOf(store)).filter((name) => name.endsWith(`${organisation}/checkpoint`))).toEqual(
        [],
      );
      expect(await cursorOf(organisation)).toMatchObject({ size: 0 });
    }
  });
});

describe('reading back', () => {
  let log: SampleLog;
  let store: FolderStore;
  beforeEach(async () => {
    log = await sampleLog(600);
    await seedSampleLog(admin, log);
    store = new FolderStore(folder);
    await parts.archiver.archive(log.organisation, store, { force: true });
  });

  it('moves on only over what is there, byte by byte', async () => {
    const { organisation } = log;
    const { size = 0 } = (await cursorOf(organisation)) ?? {};
    expect(await parts.check.readBack(organisation, store)).toBe(size);
    expect(await parts.check.readBack(organisation, store)).toBe(0);
    expect(await cursorOf(organisation)).toMatchObject({ checkedSize: size });
    expect(await parts.check.verify(organisation, store)).toMatchObject({ verdict: 'VERIFIED' });
    expect(await cursorOf(organisation)).toMatchObject({ verifiedSize: size });
  });

  it('names the first entry that is not what was recorded', async () => {
    const { organisation } = log;
    const bundles = (await namesOf(store)).filter((name) => name.includes('/tile/entries/'));
    const path = bundles[1] ?? '';
    const bytes = Buffer.from((await store.read(path)) ?? []);
    bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 1;
    await store.replace(path, bytes);
    for (const look of [parts.check.readBack(organisation, store), parts.check.verify(organisation, store)]) {
      await expect(look).rejects.toMatchObject({
        code: 'archive/corrupted',
        details: { where: 'archive', index: 511 },
      });
    }
    expect(await cursorOf(organisation)).toMatchObject({ checkedSize: 0, verifiedSize: 0 });
  });

  it('is not taken in by a manifest that says what is missing was never there', async () => {
    const { organisation } = log;
    const path = `ledger/${organisation}/manifest.json`;
    const manifest = JSON.parse(Buffer.from((await store.read(path)) ?? []).toString());
    const nothing = { ...manifest, range: { from: 0, to: 0 } };
    await store.replace(path, Buffer.from(JSON.stringify(nothing)));
    for (const name of await namesOf(store)) {
      if (/\/(entries|batches|devices)\//.test(name)) await rm(join(folder, name));
    }
    await expect(parts.check.verify(organisation, store)).rejects.toMatchObject({
      code: 'archive/corrupted',
      details: { where: 'archive', index: 0 },
    });
    expect(await cursorOf(organisation)).toMatchObject({ checkedSize: 0, verifiedSize: 0 });
  });

  it('notices an archive that was set back to an older, honestly signed state', async () => {
    const { organisation } = log;
    const older = log.checkpoints[1] ?? '';
    await store.replace(`ledger/${organisation}/checkpoint`, Buffer.from(older));
    await expect(parts.check.verify(organisation, store)).rejects.toMatchObject({
      code: 'archive/corrupted',
    });
  });

  it('shows an entry with its proof, and nothing that is not proven', async () => {
    const { organisation } = log;
    const { size = 0 } = (await cursorOf(organisation)) ?? {};
    for (const index of [0, 255, 256, size - 1]) {
      const { entry } = await parts.entries.read(organisation, store, index);
      expect(entry).toBe(Buffer.from(log.entries[index] ?? []).toString());
    }
    await expect(parts.entries.read(organisation, store, size)).rejects.toMatchObject({
      code: 'request/not-found',
    });
    const other = await sampleLog(600);
    await seedSampleLog(admin, other);
    await parts.archiver.archive(other.organisation, store, { force: true });
    const theirs = (await store.read(`ledger/${other.organisation}/tile/entries/000`)) ?? new Uint8Array();
    await store.replace(`ledger/${organisation}/tile/entries/000`, theirs);
    await expect(parts.entries.read(organisation, store, 7)).rejects.toMatchObject({
      code: 'archive/corrupted',
    });
  });

  it('an archive at another place goes on there once it was copied and verified, and not before', async () => {
    const { organisation } = log;
    const elsewhere = new FolderStore(join(folder, 'moved'));
    const run = () => parts.archiver.archive(organisation, elsewhere, { force: true });
    await expect(run()).rejects.toMatchObject({ code: 'archive/refused' });
    await expect(parts.check.verify(organisation, elsewhere)).rejects.toMatchObject({
      code: 'archive/corrupted',
    });
    for (const name of await namesOf(store)) {
      await elsewhere.putOnce(name, (await store.read(name)) ?? new Uint8Array());
    }
    await parts.check.verify(organisation, elsewhere);
    expect(await run()).toBe(0);
    expect(await cursorOf(organisation)).toMatchObject({ destination: elsewhere.destination });
  });
});

describe('an archive in S3', () => {
  let server: S3Server;
  let archive: S3Archive;
  let log: SampleLog;
  const program = new URL('../../node_modules/.cache/archive-until-killed.mjs', import.meta.url).pathname;

  beforeAll(async () => {
    await build({
      entryPoints: [new URL('../testing/archive-until-killed.ts', import.meta.url).pathname],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    });
  });
  beforeEach(async () => {
    archive = {
      kind: 's3',
      endpoint: '',
      bucket: 'archive',
      prefix: 'raypher',
      region: 'eu-central-1',
      pathStyle: true,
      lock: 'compliance',
      accessKeyId: 'AKIDTEST',
      secretAccessKey: randomBytes(20).toString('hex'),
    };
    server = await startS3({ credentials: archive });
    archive = { ...archive, endpoint: server.endpoint };
    log = await sampleLog(2_000);
    await seedSampleLog(admin, log);
  });
  afterEach(() => server.stop());

  /** Archives in a process of its own, which is killed in the middle of its n-th write. */
  async function archiveUntilKilled(writes: number): Promise<number | null> {
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'ignore', 'inherit'] });
    const exited = once(child, 'exit');
    let left = writes;
    server.fail(({ method }) => {
      if (method !== 'PUT') return undefined;
      left -= 1;
      if (left === 0) child.kill('SIGKILL');
      return left < 0 ? 'silence' : undefined;
    });
    const { organisation } = log;
    child.stdin.end(JSON.stringify({ connectionString: database.urls.app, organisation, archive }));
    const [code] = await exited;
    server.fail(() => undefined);
    return code;
  }

  it('is whole after a process was killed in the middle, again and again, and every object was written once', async () => {
    const store = new S3Store(archive);
    const { organisation } = log;
    for (const writes of [1, 5, 9]) {
      expect(await archiveUntilKilled(writes)).toBeNull();
      expect(await cursorOf(organisation)).toMatchObject({ size: 0, target: expect.any(Number) });
    }
    // The log grows meanwhile; what was begun is finished first.
    const { target: begun } = (await cursorOf(organisation)) ?? {};
    await grow(log, [log.device()], 500);
    await seedSampleLog(admin, log, { after: begun ?? 0 });
    await parts.archiver.archive(organisation, store, { force: true });
    expect(await verify(store, log)).toMatchObject({ verdict: 'VERIFIED', counts: { absent: 0 } });
    await parts.check.readBack(organisation, store);
    for (const name of server.bucket.keys()) {
      const isHead = /\/(checkpoint|manifest\.json|log\.vkey)$/.test(name);
      if (!isHead) expect(server.bucket.versions(name), name).toHaveLength(1);
    }
  }, 120_000);

  it('gets through when every fifth request fails one way or another', async () => {
    const store = new S3Store(archive, { silenceMs: 300 });
    let asked = 0;
    const faults = [{ status: 503 }, 'cut-after', { status: 500 }, 'silence'] as const;
    server.fail(() => {
      asked += 1;
      return asked % 5 === 0 ? faults[(asked / 5) % faults.length] : undefined;
    });
    await parts.archiver.archive(log.organisation, store, { force: true });
    server.fail(() => undefined);
    expect(await verify(store, log)).toMatchObject({ verdict: 'VERIFIED', counts: { absent: 0 } });
  }, 120_000);

  it('locks every object until the end of the retention, and holds it under a legal hold', async () => {
    const { organisation } = log;
    await parts.database.within(organisation, (tx) =>
      parts.settings.setRetention(tx, organisation, { hotDays: 30, archiveYears: 7, setBy: 'M' }),
    );
    await parts.database.within(organisation, (tx) =>
      parts.settings.place(tx, organisation, 'A lawsuit', 'M'),
    );
    await parts.archiver.archive(organisation, new S3Store(archive), { force: true });
    const keys = server.bucket.keys();
    expect(keys.length).toBeGreaterThan(20);
    for (const key of keys) {
      const { versionId, held, retention } = server.bucket.get(key);
      expect(held, key).toBe(true);
      expect(retention?.until.getTime(), key).toBeGreaterThan(Date.now() + 7 * 365 * 24 * HOUR_MS);
      expect(() => server.bucket.delete(key, versionId, { bypassGovernance: true }), key).toThrow(
        'object lock',
      );
    }
  });

  it('puts what is there already under a legal hold, and lets go seven days after it was lifted', async () => {
    const { organisation } = log;
    const store = new S3Store(archive);
    const holds = new ArchiveHolds(parts.database, parts.cursors, parts.settings);
    await parts.archiver.archive(organisation, store, { force: true });
    expect(await holds.follow(organisation, store)).toBe(0);
    const within = <T>(work: (tx: TenantTransaction) => Promise<T>) =>
      parts.database.within(organisation, work);
    const id = await within((tx) => parts.settings.place(tx, organisation, 'A lawsuit', 'M'));
    const keys = server.bucket.keys();
    // Interrupted in the middle, it begins again.
    let left = 10;
    server.fail(({ method }) => (method === 'PUT' && left-- < 0 ? { status: 403 } : undefined));
    await expect(holds.follow(organisation, store)).rejects.toMatchObject({ code: 'archive/refused' });
    server.fail(() => undefined);
    expect(await holds.follow(organisation, store)).toBe(keys.length);
    const held = () => keys.filter((key) => server.bucket.get(key).held);
    expect(held()).toEqual(keys);
    await within((tx) => parts.settings.lift(tx, id, 'It is over', 'M'));
    expect(await holds.follow(organisation, store)).toBe(0);
    await admin.query(`SET session_replication_role = 'replica'`);
    await admin.query(`UPDATE legal_holds SET lifted_at = now() - interval '8 days' WHERE id = $1`, [id]);
    await admin.query('RESET session_replication_role');
    expect(await holds.follow(organisation, store)).toBe(keys.length);
    expect(held()).toEqual([]);
  });

  it('puts a copy at another place under the legal hold, too, once it goes on there', async () => {
    const { organisation } = log;
    const store = new S3Store(archive);
    const holds = new ArchiveHolds(parts.database, parts.cursors, parts.settings);
    await parts.database.within(organisation, (tx) =>
      parts.settings.place(tx, organisation, 'A lawsuit', 'M'),
    );
    await parts.archiver.archive(organisation, store, { force: true });
    await holds.follow(organisation, store);
    const names = await namesOf(store);
    // Whoever copies copies bytes.
    const keeping = { until: new Date(Date.now() + HOUR_MS), held: false };
    const elsewhere = new S3Store({ ...archive, prefix: 'moved' });
    for (const name of names)
      await elsewhere.putOnce(name, (await store.read(name)) ?? new Uint8Array(), keeping);
    await parts.check.verify(organisation, elsewhere);
    expect(await holds.follow(organisation, elsewhere)).toBe(names.length);
    const notHeld = names.filter((name) => !server.bucket.get(`moved/${name}`).held);
    expect(notHeld).toEqual([]);
    // The next verification changes nothing about it.
    await parts.check.verify(organisation, elsewhere);
    expect(await holds.follow(organisation, elsewhere)).toBe(0);
  });

  it('overwrites nothing: something else under a name of the archive stops it', async () => {
    const { organisation } = log;
    const store = new S3Store(archive);
    const name = `ledger/${organisation}/tile/entries/003`;
    const keeping = { until: new Date(Date.now() + HOUR_MS), held: false };
    await store.putOnce(name, Buffer.from('something else'), keeping);
    await expect(parts.archiver.archive(organisation, store, { force: true })).rejects.toMatchObject({
      code: 'archive/conflict',
      details: { name },
    });
    expect(Buffer.from((await store.read(name)) ?? []).toString()).toBe('something else');
    expect(await cursorOf(organisation)).toMatchObject({ size: 0 });
  });
});
