import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import type { TestAnswer } from '../testing/test-client.ts';
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
    const refused: TestAnswer[] = [];
    for (const search of searches)
      search.then((answer) => {
        if (answer.status === 429) refused.push(answer);
      });
    await expect.poll(() => refused.length).toBe(TOO_MANY);
    expect(await other.administrator.get('/v1/devices')).toMatchObject({ status: 200 });
    await admin.query('COMMIT');
    const answers = await Promise.all(searches);
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(AT_ONCE + MOST_WAITING).fill(200), ...Array(TOO_MANY).fill(429)]);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    expect(refused[0]?.body.error).toMatchObject({ code: 'request/rate-limited', hint: expect.any(String) });
  });
});
