import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { IngestDatabase } from '../database/ingest-database.ts';
import { type Ask, answerAsk, type Counter, committedBy, type Lease } from './grant.ts';
import type { SharedLimit } from './shared-limits.ts';

/** One counter in one period, and what a device says of it. */
export interface CounterAsk {
  readonly limit: SharedLimit;
  /** The team whose document the limit stands in, nil for the organisation's. */
  readonly owner: string;
  readonly subject: string;
  readonly startsAt: Date;
  readonly endsAt: Date;
  /** False for a period that is over: what is told is taken down, and nothing is granted. */
  readonly isRunning: boolean;
  readonly ask: Ask;
}

export interface Answered {
  readonly lease: Lease;
  readonly until: Date;
  /** All devices together, as far as they have told. */
  readonly spent: number;
  /** The threshold of the limit was reached with this report. */
  readonly isWarningDue: boolean;
}

/** Devices name models themselves: they may not fill the table. */
const MOST_COUNTERS = 1_000;
/** Fresh stores of one device in one period. */
const MOST_STORES = 8;
/** A device that is out of reach may spend its share for so long. */
export const LEASE_MS = 60 * 60_000;
/** The longest month, and a device that was away for one more. */
const KEPT_DAYS = 62;

const KEY = 'organisation_id, owner, limit_id, per, scope, subject, period_start';

/** The counters that devices share. Rows are locked in one order, so that two reports never wait for each other. */
@Injectable()
export class BudgetLeasesRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** All of a report in one transaction. @returns undefined where there is nothing to answer */
  answer(
    organisationId: string,
    deviceId: string,
    store: string,
    asks: readonly CounterAsk[],
    now: Date,
  ): Promise<(Answered | undefined)[]> {
    const inOrder = asks
      .map((ask, index) => ({ ask, index, key: orderOf(ask) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    return this.database.transaction(async (client) => {
      const answers: (Answered | undefined)[] = asks.map(() => undefined);
      for (const { ask, index } of inOrder) {
        const key = [
          organisationId,
          ask.owner,
          ask.limit.id,
          ask.limit.per,
          ask.limit.scope,
          ask.subject,
          ask.startsAt,
        ];
        answers[index] = await answerOne(client, key, deviceId, store, ask, now);
      }
      return answers;
    });
  }

  /** Forgets periods that ended long ago. */
  async prune(): Promise<void> {
    await this.database.query(
      `DELETE FROM budget_counters WHERE period_end < now() - make_interval(days => $1)`,
      [KEPT_DAYS],
    );
  }
}

async function answerOne(
  client: PoolClient,
  key: readonly unknown[],
  deviceId: string,
  store: string,
  { limit, endsAt, isRunning, ask }: CounterAsk,
  now: Date,
): Promise<Answered | undefined> {
  if (isRunning) {
    await client.query(
      `INSERT INTO budget_counters (${KEY}, period_end, amount)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
        WHERE (SELECT count(*) FROM budget_counters
                WHERE organisation_id = $1 AND owner = $2 AND limit_id = $3 AND period_start = $7) < $10
       ON CONFLICT DO NOTHING`,
      [...key, endsAt, limit.amount, MOST_COUNTERS],
    );
  }
  const found = await client.query<CounterRow>(
    `SELECT committed, spent, warned_at, holders, amount FROM budget_counters
      WHERE (${KEY}) = ($1, $2, $3, $4, $5, $6, $7) FOR UPDATE`,
    [...key],
  );
  const [counter] = found.rows;
  if (counter === undefined) return undefined;
  const leases = await client.query<LeaseRow>(
    `SELECT store, granted, spent, held, version FROM budget_leases
      WHERE (${KEY}, device_id) = ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [...key, deviceId],
  );
  const known = leases.rows.find((row) => row.store === store);
  if (known === undefined && (!isRunning || leases.rows.length >= MOST_STORES)) return undefined;
  const before = known === undefined ? undefined : leaseOf(known);
  const holders = counter.holders + (known === undefined ? 1 : 0);
  // Of a period that is over, the limit is as it was, and nothing is left.
  const amount = isRunning ? limit.amount : Number(counter.amount);
  const lease = answerAsk(
    before,
    isRunning ? ask : { ...ask, needed: 0, wanted: 0 },
    toCounter(counter, amount, holders),
  );
  const until = new Date(Math.min(now.getTime() + LEASE_MS, endsAt.getTime()));
  await client.query(
    `INSERT INTO budget_leases (${KEY}, device_id, store, granted, spent, held, version, until, reported_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     ON CONFLICT (${KEY}, device_id, store) DO UPDATE SET granted = EXCLUDED.granted, spent = EXCLUDED.spent,
       held = EXCLUDED.held, version = EXCLUDED.version, until = EXCLUDED.until, reported_at = EXCLUDED.reported_at`,
    [...key, deviceId, store, lease.granted, lease.spent, lease.held, lease.version, until, now],
  );
  const spentMore = lease.spent - (before?.spent ?? 0);
  const spent = Number(counter.spent) + spentMore;
  const threshold = limit.warnAt ?? Number.POSITIVE_INFINITY;
  const isWarningDue = isRunning && spent >= threshold && Number(counter.warned_at) < threshold;
  await client.query(
    `UPDATE budget_counters SET amount = $8, committed = committed + $9, spent = spent + $10, holders = $11,
       warned_at = $12, updated_at = $13
      WHERE (${KEY}) = ($1, $2, $3, $4, $5, $6, $7)`,
    [
      ...key,
      amount,
      committedBy(lease) - (before === undefined ? 0 : committedBy(before)),
      spentMore,
      holders,
      isWarningDue ? threshold : counter.warned_at,
      now,
    ],
  );
  return { lease, until, spent, isWarningDue };
}

/** Big numbers arrive as text. */
interface CounterRow {
  committed: string;
  spent: string;
  warned_at: string;
  amount: string;
  holders: number;
}

interface LeaseRow {
  store: string;
  granted: string;
  spent: string;
  held: string;
  version: string;
}

function leaseOf({ granted, spent, held, version }: LeaseRow): Lease {
  return {
    granted: Number(granted),
    spent: Number(spent),
    held: Number(held),
    version: Number(version),
  };
}

function toCounter({ committed }: CounterRow, amount: number, holders: number): Counter {
  return { amount, committed: Number(committed), holders };
}

function orderOf({ owner, limit, subject, startsAt }: CounterAsk): string {
  return JSON.stringify([owner, limit.id, limit.per, limit.scope, subject, startsAt.getTime()]);
}
