import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import { AT_ONCE, MOST_WAITING } from './caller-turns.interceptor.ts';

let api: TestApi;
let acme: TestOrganisation;
let other: TestOrganisation;
let admin: pg.Client;

beforeAll(async () => {
  api = await TestApi.start();
  [acme, other] = [await api.found('Acme'), await api.found('Other')];
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await api.stop();
});

describe('many slow requests of one caller', () => {
  it('leave the database to the others, wait for their turn, and are refused beyond that', async () => {
    await admin.query('BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE');
    const TOO_MANY = 5;
    const searches = Array.from({ length: AT_ONCE + MOST_WAITING + TOO_MANY }, () =>
      acme.administrator.get('/v1/events'),
    );
    const refused = searches.map(async (search) => {
      const { status } = await search;
      if (status !== 429) throw new Error(`answered ${status}`);
    });
    await Promise.any(refused);
    expect(await other.administrator.get('/v1/devices')).toMatchObject({ status: 200 });
    await admin.query('COMMIT');
    const answers = await Promise.all(searches);
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(AT_ONCE + MOST_WAITING).fill(200), ...Array(TOO_MANY).fill(429)]);
    const [last] = answers.filter(({ status }) => status === 429);
    expect(last?.headers.get('retry-after')).toBe('1');
    expect(last?.body.error).toMatchObject({ code: 'request/rate-limited', hint: expect.any(String) });
    await Promise.allSettled(refused);
  });
});
