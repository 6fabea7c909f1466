import 'reflect-metadata';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { presenceKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { Installation } from '../testing/installation.ts';
import type { TestDevice } from '../testing/test-device.ts';

const DEVICES = 10;
const HEARTBEATS = 100;
const WATCHED = ['devices', 'device_chains', 'ai_agents', 'rollout_devices', 'alerts', 'commands'] as const;

let installation: Installation;
let admin: pg.Client;
let devices: TestDevice[] = [];

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
});

afterAll(async () => {
  for (const device of devices) device.close();
  await admin?.end();
  await installation?.stop();
});

/** Has the database itself count every row that is written from now on. */
async function countWrites(): Promise<() => Promise<number>> {
  await admin.query(`
    CREATE TABLE row_writes (id bigint GENERATED ALWAYS AS IDENTITY);
    CREATE FUNCTION count_row_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
      $$ BEGIN INSERT INTO row_writes DEFAULT VALUES; RETURN NULL; END $$;
  `);
  for (const table of WATCHED) {
    await admin.query(
      `CREATE TRIGGER count_row_write AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION count_row_write()`,
    );
  }
  return async () => (await admin.query('SELECT count(*)::int AS count FROM row_writes')).rows[0].count;
}

it('a thousand heartbeats write no row, except the time of the last sign of life, in bulk', {
  timeout: 60_000,
}, async () => {
  const opened = await Promise.all(
    Array.from({ length: DEVICES }, async () => {
      const device = await installation.enrolDevice();
      return { device, stream: await device.open(installation.linkPort) };
    }),
  );
  devices = opened.map(({ device }) => device);
  // What Hello said is written by then.
  const written = async () =>
    (await admin.query('SELECT count(*)::int AS count FROM devices WHERE last_seen_at IS NOT NULL')).rows[0]
      .count;
  await expect.poll(written).toBe(DEVICES);
  const writes = await countWrites();
  const redis = installation.api.get(RedisConnections).commands;
  for (let beat = 1; beat <= HEARTBEATS; beat += 1) {
    for (const { stream } of opened) {
      stream.send({
        $case: 'heartbeat',
        value: {
          atMs: BigInt(Date.now()),
          queueDepth: 0n,
          applied: { policy: undefined, freeze: undefined },
          posture: [],
          rssBytes: 0n,
          cpuShare: 0,
          processes: beat,
          aiAgents: 1,
          connections: 0,
          frozenProcesses: 0,
          logSeen: undefined,
        },
      });
    }
  }
  const [first] = devices;
  const lastBeat = async () =>
    JSON.parse((await redis.hget(presenceKey(installation.organisationId), first?.id ?? '')) ?? '{}')
      .processes;
  await expect.poll(lastBeat).toBe(HEARTBEATS);
  // The bulk flush comes every 15 s, one row a device: it may have come once, or twice on a slow machine.
  expect(await writes()).toBeLessThanOrEqual(2 * DEVICES);
  // And it does come, so this would have seen one that comes too often.
  await expect.poll(writes, { timeout: 30_000 }).toBeGreaterThanOrEqual(DEVICES);
});
