import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@raypher/testkit';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HealthService } from '../health/health.service.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { CuttingRelay } from '../testing/cutting-relay.ts';
import { CrossTenantRepository } from './cross-tenant.repository.ts';
import { IngestDatabase } from './ingest-database.ts';
import { ProvenPool } from './proven-pool.ts';
import { createSignInPool } from './sign-in-pool.ts';

// The types of pg do not know it.
const IMPATIENT: pg.QueryConfig & { query_timeout: number } = { text: 'SELECT 1', query_timeout: 5_200 };

interface Row {
  pid: number;
}
const PID = 'SELECT pg_backend_pid() AS pid, pg_sleep(0.05)';

/** A way of ours to the database. */
interface Door {
  /** @returns whose connection it was, where that is told */
  pass(): Promise<number | undefined>;
  close(): Promise<void>;
}

let database: TestDatabase;
let relay: CuttingRelay;
let pool: ProvenPool;

beforeAll(async () => {
  database = await createTestDatabase();
  const url = new URL(database.urls.app);
  relay = await CuttingRelay.start(Number(url.port));
  url.port = String(relay.port);
  pool = new ProvenPool({
    connectionString: url.href,
    max: 4,
    query_timeout: 25_000,
    connectionTimeoutMillis: 5_000,
  });
  pool.on('error', () => {});
});
afterAll(async () => {
  await pool.end();
  await relay.stop();
  await database.drop();
});

/** Connections of the database, as many as there are at once. */
async function backends(count: number): Promise<number[]> {
  const rows = await Promise.all(
    Array.from({ length: count }, () => pool.query('SELECT pg_backend_pid() AS pid, pg_sleep(0.05)')),
  );
  return rows.map(({ rows: [row] }) => row.pid);
}

it('hands out a connection that was heard of just now without a question', async () => {
  const [first] = await backends(1);
  expect(await backends(1)).toEqual([first]);
});

it('gives up connections that nobody answers on any more, and makes others', async () => {
  const before = await backends(3);
  relay.stall();
  // Longer than a connection passes for fresh.
  await delay(1_100);
  const began = performance.now();
  const after = await backends(3);
  // Three of them at a second each, one after the other at worst; and not what a question may take.
  expect(performance.now() - began).toBeLessThan(15_000);
  expect(after.filter((pid) => before.includes(pid))).toEqual([]);
});

it('does not trust a connection that somebody waited on for long', async () => {
  const client = await pool.connect();
  relay.stall();
  const silence = client.query(IMPATIENT);
  await expect(silence).rejects.toThrow(/timeout/);
  client.release();
  const began = performance.now();
  await backends(1);
  expect(performance.now() - began).toBeLessThan(15_000);
}, 30_000);

it('says that the database is not there when it is not', async () => {
  relay.to = [1];
  relay.cutAll();
  await delay(1_100);
  await expect(pool.query('SELECT 1')).rejects.toThrow();
  relay.to = [Number(new URL(database.urls.app).port)];
  expect(await backends(1)).toHaveLength(1);
}, 30_000);

it.each<[string, (through: (url: string) => string) => Door]>([
  [
    'the link',
    (through) => {
      const config = { ingestDatabaseUrl: through(database.urls.ingest) };
      const door = new IngestDatabase(config, new HealthService(), new MetricsService());
      const pass = () =>
        door.transaction((client) => client.query<Row>(PID)).then(({ rows: [row] }) => row?.pid);
      return { pass, close: () => door.onApplicationShutdown() };
    },
  ],
  [
    'sign-in',
    (through) => {
      const door = createSignInPool(through(database.urls.auth));
      return {
        pass: () => door.query<Row>(PID).then(({ rows: [row] }) => row?.pid),
        close: () => door.end(),
      };
    },
  ],
  [
    'the look-up before an organisation is known',
    (through) => {
      const door = new CrossTenantRepository(through(database.urls.app));
      return { pass: () => door.organisationIds().then(() => undefined), close: () => door.close() };
    },
  ],
])('%s waits for none of its connections that nobody answers on', async (_, open) => {
  const { pass, close } = open((url) => {
    const through = new URL(url);
    through.port = String(relay.port);
    return through.href;
  });
  const many = () => Promise.all([pass(), pass(), pass()]);
  try {
    const before = await many();
    relay.stall();
    await delay(1_100);
    const began = performance.now();
    const after = await many();
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(after.filter((pid) => pid !== undefined && before.includes(pid))).toEqual([]);
  } finally {
    await close();
  }
});
