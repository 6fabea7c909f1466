import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyMigrations, createDatabase, dropDatabase, roleUrls } from '@raypher/database';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

const { postgres } = inject('services');

let directory: string;
let database: string;
let url: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'raypher-migrations-'));
  database = `migrations_${process.hrtime.bigint()}`;
  await createDatabase(postgres.adminUrl, database);
  url = roleUrls(postgres, database, postgres.passwords).owner;
});

afterEach(async () => {
  await dropDatabase(postgres.adminUrl, database);
  await rm(directory, { recursive: true });
});

async function write(name: string, sql: string): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, name, 'migration.sql'), sql);
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const history = () =>
  query(`SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished,
                rolled_back_at IS NOT NULL AS undone, logs, applied_steps_count AS steps
           FROM _prisma_migrations ORDER BY started_at`);

describe('applying migrations', () => {
  it('runs them once, in order, and records what Prisma would', async () => {
    await write('0002_second', 'INSERT INTO things VALUES (2);');
    await write('0001_first', 'CREATE TABLE things (id int); INSERT INTO things VALUES (1);');
    expect(await applyMigrations(url, { directory })).toEqual(['0001_first', '0002_second']);
    expect(await applyMigrations(url, { directory })).toEqual([]);
    expect(await query('SELECT id FROM things ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
    const sha256 = createHash('sha256').update('INSERT INTO things VALUES (2);').digest('hex');
    expect((await history())[1]).toEqual({
      name: '0002_second',
      checksum: sha256,
      finished: true,
      undone: false,
      logs: null,
      steps: 1,
    });
  });

  it('applies only what is new', async () => {
    await write('0001_first', 'CREATE TABLE things (id int);');
    await applyMigrations(url, { directory });
    await write('0002_second', 'ALTER TABLE things ADD name text;');
    expect(await applyMigrations(url, { directory })).toEqual(['0002_second']);
  });

  it('lets two programs start at the same time', async () => {
    await write('0001_first', 'CREATE TABLE things (id int); SELECT pg_sleep(0.2);');
    const both = await Promise.all([
      applyMigrations(url, { directory }),
      applyMigrations(url, { directory }),
    ]);
    expect(both.flat()).toEqual(['0001_first']);
  });

  it('undoes a failing one completely, says where, and tries again once it is corrected', async () => {
    await write('0001_first', 'CREATE TABLE things (id int);\nALTER TABLE nothing ADD x int;');
    await expect(applyMigrations(url, { directory })).rejects.toMatchObject({
      code: 'database/migration-failed',
      message: expect.stringContaining('relation "nothing" does not exist'),
    });
    expect(await query(`SELECT to_regclass('things') AS things`)).toEqual([{ things: null }]);
    expect(await history()).toMatchObject([
      { finished: false, undone: true, logs: expect.stringContaining('42P01') },
    ]);
    await write('0001_first', 'CREATE TABLE things (id int);');
    expect(await applyMigrations(url, { directory })).toEqual(['0001_first']);
  });

  it('names the line of a syntax error', async () => {
    await write('0001_first', 'SELECT 1;\nSELECT 2;\nCREATE TABEL x (id int);');
    await expect(applyMigrations(url, { directory })).rejects.toThrow(/line 3/);
  });

  it('stops at an earlier one that failed outside a transaction', async () => {
    await write('0001_first', '-- raypher: no-transaction\nCREATE TABLE things (id int); ');
    await applyMigrations(url, { directory });
    await write('0002_second', '-- raypher: no-transaction\nCREATE INDEX CONCURRENTLY ON nothing (id)');
    await expect(applyMigrations(url, { directory })).rejects.toMatchObject({
      code: 'database/migration-failed',
    });
    await expect(applyMigrations(url, { directory })).rejects.toThrow('0002_second failed half-way earlier');
  });

  it('can do outside a transaction what is impossible inside one', async () => {
    await write('0001_first', 'CREATE TABLE things (id int);');
    await write('0002_second', '-- raypher: no-transaction\nCREATE INDEX CONCURRENTLY ON things (id)');
    expect(await applyMigrations(url, { directory })).toHaveLength(2);
  });

  it('refuses when an applied migration was edited', async () => {
    await write('0001_first', 'CREATE TABLE things (id int);');
    await applyMigrations(url, { directory });
    await write('0001_first', 'CREATE TABLE things (id bigint);');
    await expect(applyMigrations(url, { directory })).rejects.toMatchObject({
      code: 'database/migration-edited',
    });
  });

  it('refuses a database that is newer than this version', async () => {
    await write('0001_first', 'CREATE TABLE things (id int);');
    await write('0002_second', 'SELECT 1;');
    await applyMigrations(url, { directory });
    await rm(join(directory, '0002_second'), { recursive: true });
    await expect(applyMigrations(url, { directory })).rejects.toMatchObject({
      code: 'database/migration-unknown',
    });
  });
});
