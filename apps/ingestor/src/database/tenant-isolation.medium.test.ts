import { readdir, readFile } from 'node:fs/promises';
import { createTestDatabase, type TestDatabase } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SeededTenant, seedTenant } from '../testing/seed-tenant.ts';
import { TenantDatabase } from './tenant-database.ts';

const INSUFFICIENT_PRIVILEGE = '42501';

let database: TestDatabase;
let admin: pg.Client;
let app: pg.Client;
let ingest: pg.Client;
let victim: SeededTenant;
let attacker: SeededTenant;
let tables: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  [admin, app, ingest] = (await Promise.all(
    [database.adminUrl, database.urls.app, database.urls.ingest].map(async (connectionString) => {
      const client = new pg.Client({ connectionString });
      await client.connect();
      return client;
    }),
  )) as [pg.Client, pg.Client, pg.Client];
  victim = await seedTenant(admin, 'Victim');
  attacker = await seedTenant(admin, 'Attacker');
  // Partitions are reached through their parent; nobody but the link may touch a leaf, see below.
  const found = await admin.query<{ table: string }>(`
    SELECT c.relname AS table FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attname = 'organisation_id' AND NOT a.attisdropped ORDER BY 1`);
  tables = found.rows.map((row) => row.table);
});

afterAll(async () => {
  await Promise.all([admin.end(), app.end(), ingest.end()]);
  await database.drop();
});

/** Runs one statement in a scoped transaction that is rolled back; the SQLSTATE when it fails. */
async function attempt(client: pg.Client, scope: string | undefined, text: string, values: unknown[] = []) {
  await client.query('BEGIN');
  try {
    if (scope !== undefined)
      await client.query(`SELECT set_config('raypher.organisation', $1, true)`, [scope]);
    const { rowCount } = await client.query(text, values);
    return { rowCount, code: undefined, message: '' };
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return { rowCount: 0, code: error.code, message: error.message };
  } finally {
    await client.query('ROLLBACK');
  }
}

describe('tenant isolation in the database', () => {
  it('covers every table that belongs to an organisation', async () => {
    expect(tables).toHaveLength(48);
    for (const table of tables) {
      const rows = await admin.query(`SELECT 1 FROM ${table} WHERE organisation_id = $1`, [
        victim.organisation,
      ]);
      expect(rows.rowCount, `${table} has a row to reach for`).toBeGreaterThan(0);
    }
  });

  it('refuses every query without a scope', async () => {
    for (const table of [...tables, 'organisations']) {
      const { code, message } = await attempt(app, undefined, `SELECT 1 FROM ${table}`);
      expect(code, table).toBe(INSUFFICIENT_PRIVILEGE);
      expect(message, table).toContain('tenant scope is missing');
    }
  });

  it('shows nothing of another organisation', async () => {
    for (const table of tables) {
      const others = await attempt(
        app,
        attacker.organisation,
        `SELECT 1 FROM ${table} WHERE organisation_id = $1`,
        [victim.organisation],
      );
      expect(others, table).toMatchObject({ code: undefined, rowCount: 0 });
      const own = await attempt(app, attacker.organisation, `SELECT 1 FROM ${table}`);
      expect(own.rowCount, table).toBe(1);
    }
    const names = await attempt(app, attacker.organisation, 'SELECT 1 FROM organisations');
    expect(names.rowCount).toBe(1);
  });

  it('changes and deletes nothing of another organisation', async () => {
    for (const table of tables) {
      for (const statement of [
        `UPDATE ${table} SET organisation_id = $2 WHERE organisation_id = $1`,
        `DELETE FROM ${table} WHERE organisation_id = $1 AND $2::uuid IS NOT NULL`,
      ]) {
        const result = await attempt(app, attacker.organisation, statement, [
          victim.organisation,
          attacker.organisation,
        ]);
        expect([undefined, INSUFFICIENT_PRIVILEGE], `${statement}: ${result.message}`).toContain(result.code);
        expect(result.rowCount, statement).toBe(0);
      }
    }
  });

  it('gives nothing of its own away either', async () => {
    for (const table of tables) {
      const result = await attempt(app, attacker.organisation, `UPDATE ${table} SET organisation_id = $1`, [
        victim.organisation,
      ]);
      expect(result.code, table).toBe(INSUFFICIENT_PRIVILEGE);
    }
  });

  it('inserts nothing into another organisation', async () => {
    for (const table of tables) {
      const { rows } = await admin.query<{ row: unknown }>(
        `SELECT to_jsonb(t) AS row FROM ${table} t WHERE organisation_id = $1 LIMIT 1`,
        [victim.organisation],
      );
      const result = await attempt(
        app,
        attacker.organisation,
        `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::${table}, $1)`,
        [rows[0]?.row],
      );
      expect(result.code, `${table}: ${result.message}`).toBe(INSUFFICIENT_PRIVILEGE);
    }
  });

  it('a scope does not outlive its transaction', async () => {
    const tenants = new TenantDatabase({ connectionString: database.urls.app, poolSize: 1 });
    try {
      const names = await tenants.within(victim.organisation, (tx) => tx.organisation.findMany());
      expect(names.map(({ name }) => name)).toEqual(['Victim']);
      const others = await tenants.within(attacker.organisation, (tx) => tx.organisation.findMany());
      expect(others.map(({ name }) => name)).toEqual(['Attacker']);
      await expect(tenants.within('not-a-uuid', (tx) => tx.organisation.findMany())).rejects.toThrow();
    } finally {
      await tenants.close();
    }
  });
});

describe('the record', () => {
  it.each(['events', 'audit_entries', 'device_identity_events'])(
    '%s cannot be changed, deleted or emptied by anybody who serves requests',
    async (table) => {
      for (const client of [app, ingest]) {
        for (const statement of [
          `UPDATE ${table} SET organisation_id = organisation_id`,
          `DELETE FROM ${table}`,
          `TRUNCATE ${table}`,
        ]) {
          const { code } = await attempt(client, victim.organisation, statement);
          expect(code, statement).toBe(INSUFFICIENT_PRIVILEGE);
        }
      }
    },
  );

  it.each(['events', 'audit_entries', 'device_identity_events'])(
    '%s refuses changes even from a superuser',
    async (table) => {
      for (const statement of [
        `UPDATE ${table} SET organisation_id = organisation_id`,
        `DELETE FROM ${table}`,
      ]) {
        const { message } = await attempt(admin, undefined, statement);
        expect(message, statement).toContain('is append-only');
      }
    },
  );

  it('a partition of events is closed to the REST side and write-only for the link', async () => {
    const { rows } = await admin.query<{
      leaf: string;
    }>(`SELECT inhrelid::regclass::text AS leaf FROM pg_inherits
      WHERE inhparent = 'events'::regclass ORDER BY 1`);
    expect(rows.length).toBeGreaterThanOrEqual(8);
    for (const { leaf } of rows) {
      expect((await attempt(app, victim.organisation, `SELECT 1 FROM ${leaf}`)).code, leaf).toBe(
        INSUFFICIENT_PRIVILEGE,
      );
      expect((await attempt(ingest, undefined, `SELECT 1 FROM ${leaf}`)).code, leaf).toBe(
        INSUFFICIENT_PRIVILEGE,
      );
      expect((await attempt(ingest, undefined, `DELETE FROM ${leaf}`)).code, leaf).toBe(
        INSUFFICIENT_PRIVILEGE,
      );
    }
  });
});

describe('what each role can read', () => {
  it.each([
    'events',
    'members',
    'api_tokens',
    'organisation_keys',
    'audit_entries',
    'enrolment_tokens',
    'enrolment_challenges',
    'device_identity_events',
    'policy_revisions',
    'approval_webhooks',
    'export_destinations',
    'export_cursors',
    'ledger_batches',
    'ledger_control',
    'legal_holds',
    'archive_cursors',
  ])('the link cannot read %s', async (table) => {
    const { code } = await attempt(ingest, victim.organisation, `SELECT 1 FROM ${table}`);
    expect(code).toBe(INSUFFICIENT_PRIVILEGE);
  });

  it('the REST side cannot read sign-in, and sign-in cannot read anything else', async () => {
    expect((await attempt(app, victim.organisation, 'SELECT 1 FROM auth.account')).code).toBe(
      INSUFFICIENT_PRIVILEGE,
    );
    const auth = new pg.Client({ connectionString: database.urls.auth });
    await auth.connect();
    try {
      for (const table of [...tables, 'organisations']) {
        const { code } = await attempt(auth, victim.organisation, `SELECT 1 FROM public.${table}`);
        expect(code, table).toBe(INSUFFICIENT_PRIVILEGE);
      }
    } finally {
      await auth.end();
    }
  });
});

describe('the source', () => {
  it('makes a database client in one place only, so that nothing can be asked outside a scope', async () => {
    const source = new URL('..', import.meta.url);
    const files = (await readdir(source, { recursive: true })).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('generated') && !file.endsWith('.test.ts'),
    );
    expect(files.length).toBeGreaterThan(50);
    const makers: string[] = [];
    for (const file of files) {
      if (/\bPrismaClient\b/.test(await readFile(new URL(file, source), 'utf8'))) makers.push(file);
    }
    expect(makers).toEqual(['database/tenant-database.ts']);
  });
});
