import { createTestDatabase, type TestDatabase } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SeededTenant, seedTenant } from '../testing/seed-tenant.ts';

const INSUFFICIENT_PRIVILEGE = '42501';

let database: TestDatabase;
let admin: pg.Client;
let app: pg.Client;
let ingest: pg.Client;
let tenant: SeededTenant;
let attacker: SeededTenant;

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}

beforeAll(async () => {
  database = await createTestDatabase();
  admin = await connect(database.adminUrl);
  app = await connect(database.urls.app);
  ingest = await connect(database.urls.ingest);
  tenant = await seedTenant(admin, 'Tenant');
  attacker = await seedTenant(admin, 'Attacker');
});

afterAll(async () => {
  await Promise.all([admin?.end(), app?.end(), ingest?.end()]);
  await database?.drop();
});

/** @returns the SQLSTATE; undefined when it succeeded. Nothing stays of it. */
async function attempt(client: pg.Client, text: string, scope = attacker.organisation) {
  await client.query('BEGIN');
  try {
    await client.query(`SELECT set_config('raypher.organisation', $1, true)`, [scope]);
    await client.query(text);
    return undefined;
  } catch (error) {
    return error instanceof pg.DatabaseError ? error.code : 'no answer';
  } finally {
    await client.query('ROLLBACK');
  }
}

describe('the link process', () => {
  it.each([
    ...['status', 'public_key', 'key_fingerprint', 'identity_class', 'tpm_ak_public', 'tpm_reset_count'],
    ...['tpm_counts_forgotten', 'vault_public_key', 'vault_key_signature', 'pause_reason'],
  ])('does not write %s of a device', async (column) => {
    expect(await attempt(ingest, `UPDATE devices SET ${column} = ${column}`)).toBe(INSUFFICIENT_PRIVILEGE);
  });

  it.each([
    ...['enrolment_challenges', 'device_identity_events', 'tpm_roots', 'organisation_settings'],
    ...['organisation_keys', 'audit_entries', 'enrolment_tokens'],
  ])('neither reads nor fills %s', async (table) => {
    expect(await attempt(ingest, `SELECT 1 FROM ${table}`)).toBe(INSUFFICIENT_PRIVILEGE);
    expect(await attempt(ingest, `INSERT INTO ${table} DEFAULT VALUES`)).toBe(INSUFFICIENT_PRIVILEGE);
  });

  it('stops a device and cannot let one in', async () => {
    const pause = async (status: string) => {
      await admin.query('UPDATE devices SET status = $1 WHERE id = $2', [status, tenant.device]);
      const { rows } = await ingest.query('SELECT pause_cloned_device($1, $2) AS paused', [
        tenant.device,
        'x',
      ]);
      const after = await admin.query('SELECT status FROM devices WHERE id = $1', [tenant.device]);
      return [rows[0].paused, after.rows[0].status];
    };
    for (const status of ['pending', 'paused', 'revoked'])
      expect(await pause(status)).toEqual([false, status]);
    expect(await pause('active')).toEqual([true, 'paused']);
  });

  it('announces a vault key twenty times a day, for an active device', async () => {
    const announce = async (last: number) => {
      const values = [tenant.device, Buffer.alloc(65, last), Buffer.alloc(70)];
      const { rows } = await ingest.query('SELECT announce_vault_key($1, $2, $3) AS taken', values);
      return rows[0].taken;
    };
    await admin.query(`UPDATE devices SET status = 'paused' WHERE id = $1`, [tenant.device]);
    expect(await announce(99)).toBe(false);
    await admin.query(`UPDATE devices SET status = 'active' WHERE id = $1`, [tenant.device]);
    const taken = [];
    for (let round = 1; round <= 22; round += 1) taken.push(await announce(round));
    expect(taken.filter(Boolean)).toHaveLength(20);
    expect(taken.at(-1)).toBe(false);
  });
});

describe('the REST side', () => {
  it.each([
    'UPDATE enrolment_challenges SET expires_at = now()',
    'UPDATE device_identity_events SET detail = detail',
    'DELETE FROM device_identity_events',
    'UPDATE device_boots SET boot_id = boot_id',
    'UPDATE organisation_settings SET organisation_id = organisation_id',
    'UPDATE tpm_roots SET certificate = certificate',
    'SELECT pause_cloned_device(gen_random_uuid(), $$x$$)',
    'SELECT announce_vault_key(gen_random_uuid(), $$x$$, $$x$$)',
  ])('cannot %s', async (statement) => {
    expect(await attempt(app, statement)).toBe(INSUFFICIENT_PRIVILEGE);
  });

  it('notes no boot of a device of another organisation, under either name', async () => {
    for (const organisation of [tenant.organisation, attacker.organisation]) {
      const note = `SELECT note_boot('${organisation}', '${tenant.device}', 'made up')`;
      expect(await attempt(app, note)).toMatch(/^(?:42501|23503)$/);
    }
    const { rowCount } = await admin.query(`SELECT 1 FROM device_boots WHERE boot_id = 'made up'`);
    expect(rowCount).toBe(0);
  });
});
