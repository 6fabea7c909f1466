import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import type { TestClient } from '../testing/test-client.ts';

let api: TestApi;
let acme: TestOrganisation;
let admin: pg.Client;
/** Keeps new teams waiting. */
let holder: pg.Client;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
});
beforeEach(async () => {
  holder = new pg.Client({ connectionString: api.database.adminUrl });
  await holder.connect();
});
afterEach(() => holder.end());
afterAll(async () => {
  await admin.end();
  await api.stop();
});

/** A request that was let in, and gets on only after something else has happened. */
async function meanwhile(client: TestClient, name: string, work: () => Promise<unknown>) {
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE teams IN SHARE MODE');
  const answer = client.post('/v1/teams', { name });
  await expect
    .poll(async () => {
      const { rows } = await admin.query(
        `SELECT count(*)::int AS waiting FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows[0].waiting;
    })
    .toBe(1);
  await work();
  await holder.query('COMMIT');
  const { status, body } = await answer;
  const { rowCount } = await admin.query('SELECT 1 FROM teams WHERE name = $1', [name]);
  return { status, body, teams: rowCount };
}

const FORBIDDEN = { status: 403, body: { error: { code: 'auth/forbidden' } }, teams: 0 };

describe('a change', () => {
  it.each([
    ['was disabled', { disabled: true, reason: 'Left' }],
    ['has another role', { role: 'developer', reason: 'Moved on' }],
  ])('is not made when who asked for it %s a moment ago', async (_, change) => {
    const client = await api.member(acme, 'admin');
    const { body: me } = await client.get('/v1/me');
    const end = async () =>
      expect((await acme.administrator.patch(`/v1/members/${me.id}`, change)).status).toBe(200);
    expect(await meanwhile(client, JSON.stringify(change), end)).toMatchObject(FORBIDDEN);
  });

  it('is not made when the API token expired a moment ago', async () => {
    const program = await api.program(acme, ['teams:manage']);
    const { body: me } = await program.get('/v1/me');
    // Clocks of programs have no parts of a millisecond.
    const expire = () =>
      admin.query(`UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE id = $1`, [me.id]);
    expect(await meanwhile(program, 'of an expired program', expire)).toMatchObject(FORBIDDEN);
  });

  it('is not made when the API token was revoked a moment ago', async () => {
    const revoked = await api.program(acme, ['teams:manage']);
    const { body: me } = await revoked.get('/v1/me');
    const revoke = async () =>
      expect((await acme.administrator.delete(`/v1/api-tokens/${me.id}`)).status).toBe(204);
    expect(await meanwhile(revoked, 'of a program', revoke)).toMatchObject(FORBIDDEN);
  });

  it('is made when nothing happened meanwhile', async () => {
    const client = await api.member(acme, 'admin');
    const answer = await meanwhile(client, 'in peace', async () => undefined);
    expect(answer).toMatchObject({ status: 201, teams: 1 });
  });

  it('of the own rights is made', async () => {
    const second = await api.member(acme, 'ciso');
    const { body: me } = await second.get('/v1/me');
    const own = await second.patch(`/v1/members/${me.id}`, { role: 'developer', reason: 'Moving on' });
    const program = await api.program(acme, ['api-tokens:manage']);
    const { body: token } = await program.get('/v1/me');
    const given = await program.delete(`/v1/api-tokens/${token.id}`);
    expect([own.status, given.status]).toEqual([200, 204]);
  });
});
