import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { periodAt } from '@raypher/policy';
import { type CounterLease, CounterReport } from '@raypher/shared';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { NUDGE_CHANNEL } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { Installation } from '../testing/installation.ts';
import { nudge, storeState } from '../testing/publish-state.ts';
import type { TestDevice } from '../testing/test-device.ts';
import type { TestStream } from '../testing/test-stream.ts';

/** In micro-dollars; documents are in dollars. */
const LIMIT = 10_000;
const POLICY = JSON.stringify({
  apiVersion: 'raypher/v1',
  mode: 'enforce',
  timezone: 'Europe/Berlin',
  financial: {
    limits: [
      { id: 'all', per: 'month', scope: 'organisation', amount: LIMIT / 1e6, warn_at: 0.5 },
      { id: 'teams', per: 'month', scope: 'team', amount: LIMIT / 1e6 },
      { id: 'models', per: 'month', scope: 'model', amount: LIMIT / 1e6 },
      { id: 'own', per: 'month', scope: 'agent', amount: LIMIT / 1e6 },
      { id: 'small', per: 'month', scope: 'organisation', amount: 0.001 },
    ],
  },
});

let installation: Installation;
let admin: pg.Client;
let open: Sharer[] = [];
let revision = 0;

beforeAll(async () => {
  installation = await Installation.start();
  admin = new pg.Client({ connectionString: installation.database.adminUrl });
  await admin.connect();
  await deploy(POLICY);
});
afterEach(() => {
  for (const sharer of open) sharer.device.close();
  open = [];
});
afterAll(async () => {
  await admin?.end();
  await installation?.stop();
});

async function deploy(source: string): Promise<void> {
  revision += 1;
  await storeState(installation, 'policy', revision, null, source);
  nudge(installation, 'policy', revision);
}

const month = () => periodAt('month', 'Europe/Berlin', Date.now());
const counterOf = (limit: string, scope: string, subject: string | null = null, layer = 'global') =>
  JSON.stringify([layer, limit, 'month', scope, subject]);

/** A device as the protocol wants it: spends what it was granted and tells the truth. */
class Sharer {
  granted = 0n;
  version = 0n;
  spent = 0n;
  lease: CounterLease | undefined;
  store = randomUUID();
  stream: TestStream;
  #reports = 0n;

  private constructor(
    readonly device: TestDevice,
    readonly counter: string,
    stream: TestStream,
  ) {
    this.stream = stream;
  }

  static async start(counter: string, device?: TestDevice): Promise<Sharer> {
    const enrolled = device ?? (await installation.enrolDevice());
    const sharer = new Sharer(enrolled, counter, await enrolled.open(installation.linkPort));
    open.push(sharer);
    return sharer;
  }

  tell(more: Partial<CounterReport> = {}): bigint {
    this.#reports += 1n;
    const counter = CounterReport.fromPartial({
      counter: this.counter,
      periodStartMs: BigInt(month().startsAt),
      spent: this.spent,
      granted: this.granted,
      version: this.version,
      ...more,
    });
    const value = { id: this.#reports, policyRevision: 1n, store: this.store, counters: [counter] };
    this.stream.send({ $case: 'budgetReport', value });
    return this.#reports;
  }

  /** Reports, and takes what comes back. @returns undefined when this counter is not answered */
  async ask(more: Partial<CounterReport> = {}): Promise<CounterLease | undefined> {
    const id = this.tell(more);
    for (;;) {
      const answer = await this.stream.next('budgetLease');
      if (answer.reportId !== id) continue;
      this.lease = answer.leases[0];
      if (this.lease !== undefined && this.lease.version > this.version) {
        this.granted = this.lease.granted;
        this.version = this.lease.version;
      }
      return this.lease;
    }
  }

  /** As long as it gets something: calls of this size. */
  async spendAll(size: bigint): Promise<void> {
    for (;;) {
      const lacks = this.spent + size - this.granted;
      if (lacks > 0n) await this.ask({ needed: lacks, wanted: 4n * size });
      if (this.spent + size > this.granted) return;
      this.spent += size;
    }
  }

  async reconnect(): Promise<void> {
    this.stream.close();
    this.stream = await this.device.open(installation.linkPort);
  }
}

async function counterRow(limit: string, subject = '') {
  const { rows } = await admin.query(
    'SELECT spent::int, committed::int, holders, amount::int FROM budget_counters WHERE limit_id = $1 AND subject = $2',
    [limit, subject],
  );
  return rows[0];
}

it('devices that ask at the same time spend the limit together, to the last call and not beyond', async () => {
  const counter = counterOf('models', 'model', 'gpt-5');
  const sharers = await Promise.all(Array.from({ length: 6 }, () => Sharer.start(counter)));
  await Promise.all(sharers.map((sharer, index) => sharer.spendAll(BigInt(30 + index))));
  // What one had no use for any more, others get.
  for (const sharer of sharers) {
    sharer.granted = sharer.spent;
    await sharer.ask();
  }
  await sharers[0]?.spendAll(1n);
  for (const sharer of sharers) await sharer.ask();
  expect(sharers.reduce((sum, { spent }) => sum + spent, 0n)).toBe(BigInt(LIMIT));
  expect(await counterRow('models', 'gpt-5')).toMatchObject({ spent: LIMIT, committed: LIMIT, holders: 6 });
  expect(await sharers[1]?.ask({ needed: 1n })).toMatchObject({ granted: sharers[1]?.spent });
  // Another model has a counter of its own.
  const other = await Sharer.start(counterOf('models', 'model', 'claude'));
  expect(await other.ask({ needed: 500n })).toMatchObject({ granted: 500n, spent: 0n });
});

it('an answer that is lost, and a link process that dies, cost and give nothing', async () => {
  const counter = counterOf('models', 'model', 'lossy');
  const sharer = await Sharer.start(counter);
  sharer.tell({ needed: 400n });
  await expect.poll(() => counterRow('models', 'lossy')).toMatchObject({ committed: 400 });
  await sharer.reconnect();
  expect(await sharer.ask({ needed: 400n })).toMatchObject({ granted: 400n });
  await sharer.spendAll(100n);
  const before = await counterRow('models', 'lossy');
  await installation.restartLink();
  sharer.stream = await sharer.device.open(installation.linkPort);
  await sharer.ask();
  await sharer.ask();
  expect(before.committed).toBe(LIMIT);
  expect(await counterRow('models', 'lossy')).toMatchObject({
    spent: Number(sharer.spent),
    committed: LIMIT,
  });
});

it('a device that is gone, or that lost its store, has spent its share until it says otherwise', async () => {
  const counter = counterOf('models', 'model', 'gone');
  const gone = await Sharer.start(counter);
  await gone.ask({ needed: 6_000n });
  gone.spent = 1_000n;
  gone.device.close();
  const other = await Sharer.start(counter);
  await other.spendAll(1_000n);
  expect(other.spent).toBe(4_000n);
  // It comes back with what it spent while nobody could reach it, and gives the rest back.
  gone.stream = await gone.device.open(installation.linkPort);
  await gone.ask({ granted: gone.spent });
  await other.spendAll(1_000n);
  expect(other.spent).toBe(9_000n);

  const fresh = await Sharer.start(counterOf('models', 'model', 'fresh'), gone.device);
  await fresh.ask({ needed: 6_000n });
  Object.assign(fresh, { store: randomUUID(), granted: 0n, version: 0n });
  expect(await fresh.ask({ needed: 6_000n })).toMatchObject({ granted: 0n });
  expect(await fresh.ask({ needed: 4_000n })).toMatchObject({ granted: 4_000n });
});

it('what a limit is, the policy says; in which period, this clock; of which team, the record', async () => {
  const { startsAt, endsAt } = month();
  const sharer = await Sharer.start(counterOf('all', 'organisation'));
  const lease = await sharer.ask({ needed: 100n });
  expect(lease).toMatchObject({ periodStartMs: BigInt(startsAt), periodEndMs: BigInt(endsAt) });
  expect(Number(lease?.validMs)).toBeLessThanOrEqual(Math.min(3_600_000, endsAt - Date.now() + 60_000));
  expect(await sharer.ask({ needed: 1n, periodStartMs: BigInt(endsAt) }), 'not begun').toBeUndefined();
  expect(await sharer.ask({ needed: 1n, periodStartMs: BigInt(startsAt - 1) }), 'over').toBeUndefined();
  for (const wrong of [
    counterOf('all', 'model', 'x'),
    counterOf('all', 'organisation', null, 'team'),
    counterOf('all', 'organisation', null, 'local'),
    counterOf('own', 'agent', 'x'),
    counterOf('none', 'organisation'),
    '["global","all","day","organisation",null]',
    '{',
  ]) {
    expect(await sharer.ask({ needed: 1n, counter: wrong }), wrong).toBeUndefined();
  }
  // Whatever team the device names, it is in none: one counter.
  await sharer.ask({ needed: 6_000n, counter: counterOf('teams', 'team', 'red'), granted: 0n, version: 0n });
  const again = await Sharer.start(counterOf('teams', 'team', 'blue'));
  expect(await again.ask({ needed: 6_000n })).toMatchObject({ granted: 0n });
});

it('numbers that no device would send close the budget and break nothing', async () => {
  const liar = await Sharer.start(counterOf('models', 'model', 'liar'));
  const most = 2n ** 64n - 1n;
  await liar.ask({ spent: most, held: most, granted: most, needed: most, wanted: most, version: 0n });
  const other = await Sharer.start(counterOf('models', 'model', 'liar'));
  expect(await other.ask({ needed: 1n })).toMatchObject({ granted: 0n });
  const counters = Array.from({ length: 257 }, () => CounterReport.fromPartial({ counter: '[]' }));
  const value = { id: 1n, policyRevision: 1n, store: 's', counters };
  liar.stream.send({ $case: 'budgetReport', value });
  expect(await liar.stream.ended).toMatchObject({ code: 'link/protocol' });
});

it('the threshold of a limit is alerted once', async () => {
  const sharer = await Sharer.start(counterOf('all', 'organisation'));
  await sharer.ask({ needed: 9_000n });
  for (const spent of [4_000n, 5_000n, 6_000n, 7_000n]) await sharer.ask({ spent });
  const read = async () =>
    (await admin.query(`SELECT title, severity, occurrences FROM alerts WHERE kind = 'budget/warned'`)).rows;
  await expect
    .poll(read)
    .toEqual([
      { title: '50 % of the limit all for this month is spent', severity: 'warning', occurrences: 1 },
    ]);
});

it('a smaller limit takes nothing away and grants nothing more; a larger one grants again', async () => {
  const sharer = await Sharer.start(counterOf('small', 'organisation'));
  await sharer.ask({ needed: 800n });
  await deploy(POLICY.replace('"amount":0.001', '"amount":0.0005'));
  const amount = async () => {
    await sharer.ask();
    return (await counterRow('small')).amount;
  };
  await expect.poll(amount).toBe(500);
  expect(await sharer.ask({ needed: 1n })).toMatchObject({ granted: 800n });
  await deploy(POLICY.replace('"amount":0.001', '"amount":0.002'));
  await expect.poll(amount).toBe(2_000);
  expect(await sharer.ask({ needed: 1_000n })).toMatchObject({ granted: 1_800n });
});

it('a device that was revoked gets nothing more', async () => {
  const sharer = await Sharer.start(counterOf('models', 'model', 'revoked'));
  await sharer.ask({ needed: 100n });
  await admin.query(`UPDATE devices SET status = 'revoked' WHERE id = $1`, [sharer.device.id]);
  installation.api.get(RedisConnections).publish(NUDGE_CHANNEL, {
    topic: 'standing',
    organisation: installation.organisationId,
    device: sharer.device.id,
  });
  expect(await sharer.stream.ended).toMatchObject({ code: 'device/revoked' });
});

it('what calls cost is added up with their events, once, exact and estimated and unknown apart', async () => {
  const device = await installation.enrolDevice();
  const stream = await device.open(installation.linkPort);
  const costs: Record<string, unknown>[] = [
    { costMicros: 1_000, inputTokens: 10, outputTokens: 5, cachedTokens: 2 },
    { costMicros: 500, costEstimated: true, inputTokens: 1 },
    { inputTokens: 7 },
    { costMicros: -5 },
    { costMicros: 9_000, denied: true },
    { costMicros: 9_000, model: 7 },
    { costMicros: 0 },
  ];
  const entries = device.record(costs.length, (entry, index) => {
    entry.actor = { kind: 'ai-agent', id: 'bot', name: 'bot.py', user: 'kim' };
    entry.data = { provider: 'openai', model: 'gpt-5', ...costs[index] };
  });
  const batch = device.batch(entries, 1);
  stream.send({ $case: 'events', value: batch });
  await stream.durable(costs.length);
  // The acknowledgement was lost: it sends the batch again, and one that overlaps.
  stream.send({ $case: 'events', value: batch });
  const late = device.record(1, (entry) => {
    entry.at = '2001-01-01T00:00:00.000Z';
    entry.data = { provider: 'openai', model: 'gpt-5', costMicros: 1 };
  });
  stream.send({ $case: 'events', value: device.batch([...entries, ...late], 1) });
  await stream.durable(costs.length + 1);
  const { rows } = await admin.query(
    `SELECT agent_id, agent_name, user_name, provider, model, calls::int, input_tokens::int AS input,
       output_tokens::int AS output, cached_tokens::int AS cached, exact_micros::int AS exact,
       estimated_micros::int AS estimated, unknown_calls::int AS unknown, day = current_date AS today
       FROM spend_daily WHERE device_id = $1 ORDER BY calls DESC`,
    [device.id],
  );
  expect(rows).toMatchObject([
    {
      agent_id: 'bot',
      agent_name: 'bot.py',
      user_name: 'kim',
      provider: 'openai',
      model: 'gpt-5',
      calls: 5,
      input: 18,
      output: 5,
      cached: 2,
      exact: 1_000,
      estimated: 500,
      unknown: 2,
      today: true,
    },
    { agent_id: 'agent', user_name: '', calls: 1, exact: 1, today: true },
  ]);
  device.close();
});

it('a program that makes up models does not fill the table', async () => {
  const device = await installation.enrolDevice();
  const stream = await device.open(installation.linkPort);
  for (let round = 0; round < 3; round += 1) {
    const first = device.head.seq + 1;
    const entries = device.record(500, (entry, index) => {
      entry.data = { provider: 'openai', model: `made-up-${round}-${index}`, costMicros: 2 };
    });
    stream.send({ $case: 'events', value: device.batch(entries, first) });
    await stream.durable(device.head.seq);
  }
  const { rows } = await admin.query(
    `SELECT count(*)::int AS rows, sum(calls)::int AS calls, sum(exact_micros)::int AS micros,
       sum(calls) FILTER (WHERE model = '(other)')::int AS other FROM spend_daily WHERE device_id = $1`,
    [device.id],
  );
  expect(rows).toEqual([{ rows: 1_001, calls: 1_500, micros: 3_000, other: 500 }]);
  device.close();
});
