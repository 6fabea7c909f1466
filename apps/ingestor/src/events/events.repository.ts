import { Injectable } from '@nestjs/common';
import type { EventQuery } from '@raypher/shared/rest';
import { containing } from '../database/like.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { EventRow } from './event.row.ts';

export const EVENT_COLUMNS = Prisma.sql`e.position, e.device_id AS "deviceId", d.hostname, d.simulated, e.seq, e.occurred_at AS "occurredAt",
  e.received_at AS "receivedAt", e.type, e.severity, e.actor_kind AS "actorKind", e.actor_id AS "actorId",
  e.actor_name AS "actorName", e.action, e.target, e.outcome, e.mode, e.rule, e.policy_revision AS "policyRevision"`;

/** Verdicts of one minute. */
export interface MinuteRow {
  minute: Date;
  outcome: string;
  mode: string | null;
  count: bigint;
  firstPosition: bigint;
}

@Injectable()
export class EventsRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** In the order of arrival, newest first. */
  page(organisationId: string, query: EventQuery, before: bigint | undefined): Promise<EventRow[]> {
    const conditions = matches(query);
    if (before !== undefined) conditions.push(Prisma.sql`e.position < ${before}`);
    // The page is cut before names are added: otherwise a planner without statistics joins the whole table.
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<EventRow[]>`
        WITH e AS MATERIALIZED (
          SELECT * FROM events e WHERE ${Prisma.join(conditions, ' AND ')}
          ORDER BY e.position DESC LIMIT ${query.limit + 1})
        SELECT ${EVENT_COLUMNS} FROM e JOIN devices d ON d.id = e.device_id ORDER BY e.position DESC`,
    );
  }

  async find(
    organisationId: string,
    deviceId: string,
    seq: number,
  ): Promise<(EventRow & { hash: Uint8Array; entry: string }) | undefined> {
    const [row] = await this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<(EventRow & { hash: Uint8Array; entry: string })[]>`
        SELECT ${EVENT_COLUMNS}, e.hash, e.entry FROM events e JOIN devices d ON d.id = e.device_id
        WHERE e.device_id = ${deviceId}::uuid AND e.seq = ${seq}`,
    );
    return row;
  }

  /**
   * Verdicts received since `from`, counted by minute. `after` is a position below every row that is
   * wanted: with it only the end of one index is read, however large the table and whatever the planner knows.
   */
  minutes(organisationId: string, from: Date, after: bigint): Promise<MinuteRow[]> {
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<MinuteRow[]>`
        SELECT date_trunc('minute', received_at) AS minute, outcome, mode, count(*) AS count,
          min(position) AS "firstPosition"
        FROM events
        WHERE position > ${after} AND received_at >= ${from} AND received_on >= ${from}::timestamptz::date - 1
          AND outcome IS NOT NULL
          -- whoever asked a person records the action itself as well, once it is over
          AND type <> 'approval.requested'
        GROUP BY 1, 2, 3`,
    );
  }
}

function matches(query: EventQuery): Prisma.Sql[] {
  // The days around the wanted time let the planner leave out partitions, whatever the session's time zone.
  const conditions = [Prisma.sql`true`];
  if (query.device !== undefined) conditions.push(Prisma.sql`e.device_id = ${query.device}::uuid`);
  if (query.type !== undefined) conditions.push(Prisma.sql`e.type = ${query.type}`);
  if (query.outcome !== undefined) conditions.push(Prisma.sql`e.outcome = ${query.outcome}`);
  if (query.severity !== undefined) conditions.push(Prisma.sql`e.severity = ${query.severity}`);
  if (query.agent !== undefined) conditions.push(Prisma.sql`e.actor_id = ${query.agent}`);
  if (query.from !== undefined) {
    conditions.push(Prisma.sql`e.received_at >= ${query.from}::timestamptz
      AND e.received_on >= ${query.from}::timestamptz::date - 1`);
  }
  if (query.to !== undefined) {
    conditions.push(Prisma.sql`e.received_at < ${query.to}::timestamptz
      AND e.received_on <= ${query.to}::timestamptz::date + 1`);
  }
  // In the canonical bytes of an entry a member of a name and value is one exact piece of text (RFC 8785).
  for (const name of ['provider', 'model'] as const) {
    const value = query[name];
    if (value === undefined || value === '') continue;
    const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
    conditions.push(Prisma.sql`e.type = 'network.request' AND strpos(e.entry, ${member}) > 0`);
  }
  if (query.search !== undefined && query.search !== '') {
    const pattern = containing(query.search);
    conditions.push(Prisma.sql`(e.target ILIKE ${pattern} OR e.actor_name ILIKE ${pattern} OR e.action ILIKE ${pattern}
      OR e.rule ILIKE ${pattern} OR e.device_id = ANY (ARRAY(SELECT d.id FROM devices d WHERE d.hostname ILIKE ${pattern})))`);
  }
  return conditions;
}
