import { type RedisServer, startRedis } from '@raypher/testkit';
import { Queue } from 'bullmq';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRESENCE_LEASE_MS, presenceKey, presenceSeenKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { type SeededTenant, seedTenant } from '../testing/seed-tenant.ts';
import { TestApi } from '../testing/test-api.ts';
import { ChallengePruning } from './challenge-pruning.ts';
import { EventPartitions } from './event-partitions.ts';
import { ExpiringExceptions } from './expiring-exceptions.ts';
import { QUEUE, QUEUE_PREFIX } from './jobs.service.ts';
import { PresencePruning } from './presence-pruning.ts';
import { SilentDevices } from './silent-devices.ts';

let server: RedisServer;
let api: TestApi;
let admin: pg.Client;
let acme: SeededTenant;
let redis: RedisConnections;

beforeAll(async () => {
  server = await startRedis();
  api = await TestApi.start({ redisUrl: server.url });
  admin = new pg.Client({ connectionString: api.database.adminUrl });
  await admin.connect();
  acme = await seedTenant(admin, 'Acme');
  redis = api.app.get(RedisConnections);
});
afterAll(async () => {
  await admin.end();
  await api.stop();
  await server.stop();
});

/** As the link writes it. */
async function sign(seenAt: number): Promise<void> {
  const at = new Date(seenAt).toISOString();
  const counters = {
    connections: 0,
    processes: 0,
    aiAgents: 0,
    frozenProcesses: 0,
    queueDepth: 0,
    rssBytes: 0,
    cpuShare: 0,
  };
  const presence = { since: at, at, node: 'n', ...counters };
  await redis.commands.hset(presenceKey(acme.organisation), acme.device, JSON.stringify(presence));
  await redis.commands.zadd(presenceSeenKey(acme.organisation), seenAt, acme.device);
}

async function openAlerts(): Promise<string[]> {
  const { rows } = await admin.query(
    `SELECT title FROM alerts WHERE organisation_id = $1 AND resolved_at IS NULL AND kind = 'device.silent' AND device_id = $2
      AND subject = $2::text`,
    [acme.organisation, acme.device],
  );
  return rows.map(({ title }) => title);
}

describe('silent devices', () => {
  it('raise one alert, once, which closes when they are back', async () => {
    const job = api.app.get(SilentDevices, { strict: false });
    await job.run();
    expect(await openAlerts()).toEqual([]);
    await admin.query(`UPDATE devices SET last_seen_at = now() - interval '6 minutes' WHERE id = $1`, [
      acme.device,
    ]);
    await job.run();
    await job.run();
    expect(await openAlerts()).toEqual(['acme-1 has gone silent']);
    await sign(Date.now());
    // Presence is shared between callers for a moment.
    await expect
      .poll(
        async () => {
          await job.run();
          return openAlerts();
        },
        { interval: 100 },
      )
      .toEqual([]);
  });
});

describe('presence pruning', () => {
  it('forgets devices whose link died long ago, and no others', async () => {
    const job = api.app.get(PresencePruning, { strict: false });
    const exists = () => redis.commands.hexists(presenceKey(acme.organisation), acme.device);
    await sign(Date.now() - PRESENCE_LEASE_MS);
    await job.run();
    expect(await exists()).toBe(1);
    await sign(Date.now() - 11 * PRESENCE_LEASE_MS);
    await job.run();
    expect(await exists()).toBe(0);
    expect(await redis.commands.zcard(presenceSeenKey(acme.organisation))).toBe(0);
  });
});

describe('challenges', () => {
  it('are removed when nobody answered them in time, and not before', async () => {
    const open = async (expires: string) =>
      admin.query(
        `INSERT INTO enrolment_challenges (organisation_id, device_id, nonce, pcrs, expires_at)
          VALUES ($1, $2, sha256('n'), '{0}', now() + $3::interval) RETURNING id`,
        [acme.organisation, acme.device, expires],
      );
    await admin.query('DELETE FROM enrolment_challenges');
    await open('-1 second');
    const kept = await open('5 minutes');
    expect(await api.app.get(ChallengePruning, { strict: false }).run()).toBe(1);
    const { rows } = await admin.query('SELECT id FROM enrolment_challenges');
    expect(rows).toEqual(kept.rows);
  });
});

describe('event partitions', () => {
  it('are there for today and the next seven days, however often it runs', async () => {
    const job = api.app.get(EventPartitions, { strict: false });
    const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
    await admin.query(`DROP TABLE events_${tomorrow.replaceAll('-', '')}`);
    await job.run();
    await job.run();
    const { rows } = await admin.query(
      `SELECT to_regclass('public.events_' || to_char((now() AT TIME ZONE 'UTC')::date + n, 'YYYYMMDD')) IS NOT NULL AS there
        FROM generate_series(0, 7) AS n`,
    );
    expect(rows.map(({ there }) => there)).toEqual(Array(8).fill(true));
  });
});

describe('exceptions that are about to end', () => {
  const DAY_MS = 86_400_000;

  it('raise one alert each, three days before, and one more when they were prolonged', async () => {
    const umbrella = await api.found('Umbrella');
    const now = Date.now();
    const ends = (days: number) => new Date(now + days * DAY_MS).toISOString();
    const deploy = async (basedOn: number, soon: string) => {
      const exception = (id: string, expires: string) =>
        `  - { id: ${id}, rules: [ban], agents: { teams: [research] }, owner: ann, reason: Evaluation, expires: '${expires}' }\n`;
      const source = `apiVersion: raypher/v1
mode: enforce
network: { default: allow, rules: [{ id: ban, effect: deny, destinations: [a.example] }] }
exceptions:
${exception('soon', soon)}${exception('later', ends(10))}${exception('over', ends(-1))}`;
      const deployed = await umbrella.administrator.post('/v1/policies/deploy', {
        documents: [{ layer: 'global', source }],
        basedOn,
        reason: 'With exceptions',
        confirm: 'Umbrella',
      });
      expect(deployed.status).toBe(201);
    };
    const open = async () => {
      const { body } = await umbrella.administrator.get('/v1/alerts?state=open');
      return body.items.map(({ title }: { title: string }) => title);
    };
    const job = api.app.get(ExpiringExceptions, { strict: false });
    await deploy(1, ends(4));
    await job.run(now);
    expect(await open()).toEqual([]);
    await job.run(now + 1.5 * DAY_MS);
    await job.run(now + 2 * DAY_MS);
    expect(await open()).toEqual([`Exception soon ends on ${ends(4).slice(0, 10)}`]);
    await deploy(2, ends(6));
    await job.run(now + 4 * DAY_MS);
    expect(await open()).toHaveLength(2);
  });
});

describe('the schedule', () => {
  it('is there again when Redis has come back empty', async () => {
    const schedule = async () => {
      const queue = new Queue(QUEUE, { connection: { url: server.url }, prefix: QUEUE_PREFIX });
      try {
        return (await queue.getJobSchedulers()).length;
      } finally {
        await queue.close();
      }
    };
    const before = await schedule();
    server.kill('SIGKILL');
    await server.exited;
    await server.restart();
    expect(before).toBeGreaterThan(0);
    await expect.poll(schedule).toBe(before);
  });

  it('is one per job, and a job that fails is counted', async () => {
    const queue = new Queue(QUEUE, { connection: { url: server.url }, prefix: QUEUE_PREFIX });
    try {
      await expect
        .poll(async () => (await queue.getJobSchedulers()).map(({ name }) => name).sort())
        .toEqual([
          'anchoring',
          'challenge-pruning',
          'event-partitions',
          'expiring-exceptions',
          'ledger-audit',
          'presence-pruning',
          'private-purge',
          'silent-devices',
          'stage-watch',
        ]);
      await admin.query('REVOKE EXECUTE ON FUNCTION organisation_ids() FROM raypher_app');
      await queue.add('presence-pruning', {});
      await expect
        .poll(async () => (await fetch(`${api.url}/metrics`)).text())
        .toMatch(/raypher_jobs_failed_total\{job="presence-pruning"\} [1-9]/);
    } finally {
      await queue.close();
    }
  });
});
