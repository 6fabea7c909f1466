import { once } from 'node:events';
import { createTestDatabase, type TestDatabase } from '@raypher/testkit';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HealthService } from '../health/health.service.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { IngestDatabase } from './ingest-database.ts';
import { STATEMENT_TIMEOUT_MS } from './patience.ts';

const LOCK = 4711;

let database: TestDatabase;
let ingest: IngestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  ingest = new IngestDatabase(
    { ingestDatabaseUrl: database.urls.ingest },
    new HealthService(),
    new MetricsService(),
  );
});
afterAll(async () => {
  await ingest.onApplicationShutdown();
  await database.drop();
});

/** Whether a link gets what another one holds, without waiting for it. */
async function getsTheLock(): Promise<boolean> {
  try {
    await ingest.transaction(async (client) => {
      await client.query("SET LOCAL lock_timeout = '200ms'");
      await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    });
    return true;
  } catch {
    return false;
  }
}

it('a link that is gone in the middle of a COPY keeps no locks', { timeout: 90_000 }, async () => {
  const gone = new pg.Client({
    connectionString: database.urls.ingest,
    statement_timeout: 5_000,
    idle_in_transaction_session_timeout: 5_000,
  });
  const ended = once(gone, 'error');
  await gone.connect();
  const began = performance.now();
  await gone.query('BEGIN');
  await gone.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
  await gone.query('SELECT ensure_event_partition(current_date)');
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  // Never ended.
  gone.query(copyFrom(`COPY events_${day} FROM STDIN`)).on('error', () => {});
  expect(await getsTheLock()).toBe(false);
  await expect.poll(getsTheLock, { timeout: 60_000, interval: 1_000 }).toBe(true);
  await ended;
  // Neither of its own timeouts ended it, and whoever is only slow is left alone.
  expect(performance.now() - began).toBeGreaterThan(STATEMENT_TIMEOUT_MS);
});
