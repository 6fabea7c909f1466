import { createTestDatabase, type TestDatabase } from '@raypher/testkit';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AgedTenant, daysAgo, makeLeaf, seedAged } from '../testing/aged-events.ts';

const INSUFFICIENT_PRIVILEGE = '42501';

let database: TestDatabase;
let admin: pg.Client;
let app: pg.Client;

beforeEach(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.adminUrl });
  app = new pg.Client({ connectionString: database.urls.app });
  await Promise.all([admin.connect(), app.connect()]);
});
afterEach(async () => {
  await Promise.all([admin.end(), app.end()]);
  await database.drop();
});

/** As the application does it; why it was refused, or how many events went. */
async function drop(day: string): Promise<number | string> {
  try {
    const { rows } = await app.query<{ dropped: string }>('SELECT drop_event_leaf($1::date) AS dropped', [
      day,
    ]);
    return Number(rows[0]?.dropped);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return error.message;
  }
}

/** Within the scope of an organisation. */
async function asApp(organisation: string, text: string, values: unknown[] = []): Promise<void> {
  await app.query('BEGIN');
  try {
    await app.query(`SELECT set_config('raypher.organisation', $1, true)`, [organisation]);
    await app.query(text, values);
    await app.query('COMMIT');
  } catch (error) {
    await app.query('ROLLBACK');
    throw error;
  }
}

function archived({ organisation, size }: AgedTenant, checked = size): Promise<void> {
  return asApp(
    organisation,
    `INSERT INTO archive_cursors (organisation_id, destination, size, checked_size) VALUES ($1, 'folder:/a', $2, $3)`,
    [organisation, size, checked],
  );
}

/** What happened, as if it had been days earlier: triggers, and with them the database's clock, are off. */
async function backdate(text: string, values: unknown[]): Promise<void> {
  await admin.query(`SET session_replication_role = 'replica'`);
  await admin.query(text, values);
  await admin.query('RESET session_replication_role');
}

async function eventsOf({ organisation }: AgedTenant): Promise<number> {
  const { rows } = await admin.query('SELECT count(*)::int AS count FROM events WHERE organisation_id = $1', [
    organisation,
  ]);
  return rows[0].count;
}

describe('a day of events leaves the database', () => {
  it('when all of it was read back from the archive and its days are over; it is written down', async () => {
    const day = daysAgo(31);
    const acme = await seedAged(admin, { day });
    await archived(acme);
    expect(await drop(day)).toBe(3);
    expect(await eventsOf(acme)).toBe(0);
    const { rows } = await admin.query(
      'SELECT organisation_id, day::text, events::int, end_index::int AS end FROM dropped_event_days',
    );
    expect(rows).toEqual([{ organisation_id: acme.organisation, day, events: 3, end: 3 }]);
    expect(await drop(day)).toContain('there is no leaf');
  });

  it('with nobody’s events in it', async () => {
    const day = daysAgo(40);
    const acme = await seedAged(admin, { day: daysAgo(41) });
    await makeLeaf(admin, day);
    expect(await drop(day)).toBe(0);
    expect(await eventsOf(acme)).toBe(3);
  });
});

describe('a day of events stays', () => {
  it('without an archive, with a part that was not archived or not read back, or when the archive is wrong', async () => {
    const day = daysAgo(31);
    const acme = await seedAged(admin, { day });
    expect(await drop(day)).toContain('not in its archive');
    await archived(acme, acme.size - 1);
    expect(await drop(day)).toContain('not in its archive');
    for (const state of ['conflict', 'corrupted']) {
      await asApp(acme.organisation, 'UPDATE archive_cursors SET checked_size = size, state = $1', [state]);
      expect(await drop(day)).toContain('not in its archive');
    }
    expect(await eventsOf(acme)).toBe(3);
    await asApp(acme.organisation, `UPDATE archive_cursors SET state = 'ok'`);
    expect(await drop(day)).toBe(3);
  });

  it('when an entry of it has no place in the log, or is in no batch at all', async () => {
    const day = daysAgo(31);
    const waiting = await seedAged(admin, { day, placed: false });
    await archived(waiting);
    expect(await drop(day)).toContain('not in its archive');
    const gap = await seedAged(admin, { day: daysAgo(32), events: 4 });
    await archived(gap);
    await backdate('UPDATE ledger_batches SET count = 3, signed_count = 3 WHERE organisation_id = $1', [
      gap.organisation,
    ]);
    expect(await drop(daysAgo(32))).toContain('not in its archive');
    expect(await eventsOf(gap)).toBe(4);
  });

  it('as long as the organisation with the longest retention wants it', async () => {
    const day = daysAgo(31);
    const [acme, globex] = [await seedAged(admin, { day }), await seedAged(admin, { day })];
    await archived(acme);
    await archived(globex);
    await asApp(
      globex.organisation,
      `INSERT INTO record_retention (organisation_id, set_at, hot_days, archive_years, set_by) VALUES ($1, now(), 60, 1, 'M')`,
      [globex.organisation],
    );
    expect(await drop(day)).toContain(`${globex.organisation} keeps events for 60 days`);
    expect(await eventsOf(acme)).toBe(3);
  });

  it('under a legal hold of one organisation, and for seven days after it was lifted', async () => {
    const day = daysAgo(31);
    const [acme, globex] = [await seedAged(admin, { day }), await seedAged(admin, { day })];
    await archived(acme);
    await archived(globex);
    await asApp(
      globex.organisation,
      `INSERT INTO legal_holds (organisation_id, reason, placed_at, placed_by) VALUES ($1, 'A lawsuit', now(), 'M')`,
      [globex.organisation],
    );
    expect(await drop(day)).toContain('has a legal hold');
    await asApp(globex.organisation, `UPDATE legal_holds SET lifted_by = 'M', lift_reason = 'It is over'`);
    expect(await drop(day)).toContain('has a legal hold');
    await backdate(
      `UPDATE legal_holds SET lifted_at = now() - interval '8 days' WHERE organisation_id = $1`,
      [globex.organisation],
    );
    expect(await drop(day)).toBe(6);
  });
});

describe('somebody with the application’s database account', () => {
  it('cannot drop what is not old enough, whatever settings and time zone they choose', async () => {
    const day = daysAgo(9);
    const acme = await seedAged(admin, { day });
    await archived(acme);
    await asApp(
      acme.organisation,
      `INSERT INTO record_retention (organisation_id, set_at, hot_days, archive_years, set_by)
        VALUES ($1, now() - interval '1 year', 7, 1, 'M')`,
      [acme.organisation],
    );
    expect(await drop(day)).toContain('keeps events for 30 days');
    await app.query(`SET TIME ZONE INTERVAL '+167:00' HOUR TO MINUTE`);
    expect(await drop(day)).toContain('keeps events for 30 days');
    await app.query('RESET TIME ZONE');
    // A week later the shorter setting counts; nothing younger than a week ever goes.
    await backdate(`UPDATE record_retention SET set_at = now() - interval '8 days'`, []);
    expect(await drop(day)).toBe(3);
    for (const young of [0, 1, 7]) {
      await makeLeaf(admin, daysAgo(young));
      expect(await drop(daysAgo(young))).toContain('last seven days');
    }
  });

  it('cannot take the leaf away by any other means', async () => {
    const day = daysAgo(31);
    await seedAged(admin, { day });
    const leaf = `events_${day.replaceAll('-', '')}`;
    for (const statement of [
      `DROP TABLE ${leaf}`,
      `ALTER TABLE events DETACH PARTITION ${leaf}`,
      `TRUNCATE ${leaf}`,
      `DELETE FROM ${leaf}`,
      `ALTER TABLE ${leaf} DISABLE TRIGGER ALL`,
      `CREATE OR REPLACE FUNCTION why_event_leaf_stays(wanted_day date) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'`,
      `INSERT INTO dropped_event_days (organisation_id, day, events, end_index) VALUES (gen_random_uuid(), '${day}', 1, 1)`,
    ]) {
      await expect(app.query(statement), statement).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
    }
  });

  it('cannot shadow what the function looks at', async () => {
    const day = daysAgo(31);
    await seedAged(admin, { day });
    await app.query('CREATE TEMP TABLE organisations (id uuid)').catch(() => undefined);
    await app
      .query('CREATE TEMP TABLE events (organisation_id uuid, received_on date)')
      .catch(() => undefined);
    await app.query('SET search_path = pg_temp, public');
    expect(
      await app.query('SELECT public.drop_event_leaf($1::date)', [day]).catch((error) => error.message),
    ).toContain('not in its archive');
  });

  it('cannot shorten an archive, or say that it reaches further than a checkpoint', async () => {
    const acme = await seedAged(admin, { day: daysAgo(31), events: 3 });
    await archived(acme);
    for (const size of [2, 4, 1_000_000]) {
      await expect(
        asApp(acme.organisation, 'UPDATE archive_cursors SET checked_size = 0, size = $1', [size]),
      ).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
    }
    await expect(asApp(acme.organisation, 'UPDATE archive_cursors SET checked_size = 4')).rejects.toThrow();
    await expect(asApp(acme.organisation, 'DELETE FROM archive_cursors')).rejects.toMatchObject({
      code: INSUFFICIENT_PRIVILEGE,
    });
  });

  it('can neither forget nor backdate a legal hold, nor erase under it', async () => {
    const acme = await seedAged(admin, { day: daysAgo(31) });
    await admin.query(
      `INSERT INTO event_private (organisation_id, device_id, seq, content, stored_at, expires_at)
        VALUES ($1, $2, 1, '{}', now() - interval '40 days', now() - interval '10 days')`,
      [acme.organisation, acme.device],
    );
    await admin.query(
      `WITH entry AS (INSERT INTO audit_entries (organisation_id, actor_kind, actor_id, actor_name, action, target)
          VALUES ($1, 'user', 'u', 'U', 'a', 't') RETURNING id)
        INSERT INTO ledger_control (organisation_id, kind, body, private, commitment)
        SELECT $1, 'audit', jsonb_build_object('audit', id::text), '{}', sha256('{}') FROM entry`,
      [acme.organisation],
    );
    await asApp(
      acme.organisation,
      `INSERT INTO legal_holds (organisation_id, reason, placed_at, placed_by, lifted_at, lifted_by, lift_reason)
        VALUES ($1, 'A lawsuit', '2020-01-01', 'M', '2020-01-02', 'M', 'none')`,
      [acme.organisation],
    );
    const erasures = ['DELETE FROM event_private', 'SELECT erase_audit_entry(id) FROM audit_entries'];
    for (const statement of [
      ...erasures,
      'DELETE FROM legal_holds',
      `UPDATE legal_holds SET reason = 'x'`,
      `UPDATE legal_holds SET lifted_at = '2020-01-01'`,
    ]) {
      await expect(asApp(acme.organisation, statement), statement).rejects.toMatchObject({
        code: INSUFFICIENT_PRIVILEGE,
      });
    }
    await asApp(acme.organisation, `UPDATE legal_holds SET lifted_by = 'M', lift_reason = 'It is over'`);
    await expect(
      asApp(acme.organisation, `UPDATE legal_holds SET lifted_by = 'N', lift_reason = 'again'`),
    ).rejects.toThrow('lifted once');
    for (const statement of erasures)
      await expect(asApp(acme.organisation, statement)).rejects.toThrow('legal hold');
    await backdate(`UPDATE legal_holds SET lifted_at = now() - interval '8 days'`, []);
    for (const statement of erasures) await asApp(acme.organisation, statement);
    const { rows } = await admin.query('SELECT count(*)::int AS left FROM event_private');
    expect(rows).toEqual([{ left: 0 }]);
  });
});
