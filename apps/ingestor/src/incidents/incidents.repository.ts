import { Injectable } from '@nestjs/common';
import type { IncidentFilter, IncidentStatus } from '@raypher/shared/rest';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { EventRow } from '../events/event.row.ts';
import { EVENT_COLUMNS } from '../events/events.repository.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { IncidentRow } from './incident.row.ts';

export interface OccurrenceRow extends EventRow {
  hadPrivate: boolean;
  erasedAt: Date | null;
  content: Uint8Array | null;
  expiresAt: Date | null;
}

export interface ChangeRow {
  at: Date;
  byName: string;
  status: string;
  note: string;
}

export interface TrendRow {
  day: string;
  class: string | null;
  outcome: string | null;
  count: bigint;
}

const COLUMNS = Prisma.sql`i.id, i.device_id AS "deviceId", d.hostname, d.simulated, i.agent_id AS "agentId", i.agent_name AS "agentName",
  i.user_name AS "userName", i.direction, i.host, i.provider, i.model, i.classes, i.detectors, i.places, i.outcome,
  i.would_block AS "wouldBlock", i.severity, i.findings, i.occurrences, i.first_at AS "firstAt", i.last_at AS "lastAt",
  i.last_seq AS "lastSeq", i.status, i.assignee, i.resolved_at AS "resolvedAt", i.resolved_by AS "resolvedBy"`;
const FROM = Prisma.sql`FROM incidents i JOIN devices d ON d.id = i.device_id`;
const MOST_OCCURRENCES = 50;
const MOST_CHANGES = 200;

@Injectable()
export class IncidentsRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** By their last occurrence, newest first. */
  page(
    organisationId: string,
    filter: IncidentFilter,
    before: { lastAt: string; id: string } | undefined,
    limit: number,
  ): Promise<IncidentRow[]> {
    const conditions = matches(filter);
    if (filter.from !== undefined) conditions.push(Prisma.sql`i.last_at >= ${filter.from}::timestamptz`);
    if (filter.to !== undefined) conditions.push(Prisma.sql`i.last_at < ${filter.to}::timestamptz`);
    if (before !== undefined) {
      conditions.push(Prisma.sql`(date_trunc('milliseconds', i.last_at), i.id)
        < (${before.lastAt}::timestamptz, ${before.id}::uuid)`);
    }
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<IncidentRow[]>`
        SELECT ${COLUMNS} ${FROM} WHERE ${Prisma.join(conditions, ' AND ')}
        ORDER BY date_trunc('milliseconds', i.last_at) DESC, i.id DESC LIMIT ${limit + 1}`,
    );
  }

  async find(tx: TenantTransaction, id: string): Promise<IncidentRow | undefined> {
    const [row] = await tx.$queryRaw<IncidentRow[]>`SELECT ${COLUMNS} ${FROM} WHERE i.id = ${id}::uuid`;
    return row;
  }

  /** The newest entries it is about, with what is still kept beside them. */
  occurrences(tx: TenantTransaction, id: string): Promise<OccurrenceRow[]> {
    return tx.$queryRaw`
      SELECT ${EVENT_COLUMNS}, o.had_private AS "hadPrivate", o.erased_at AS "erasedAt", p.content,
        p.expires_at AS "expiresAt"
      FROM (SELECT * FROM incident_events WHERE incident_id = ${id}::uuid ORDER BY seq DESC LIMIT ${MOST_OCCURRENCES}) o
      JOIN events e ON e.device_id = o.device_id AND e.seq = o.seq
        AND e.received_on = (o.received_at AT TIME ZONE 'UTC')::date
      JOIN devices d ON d.id = e.device_id
      LEFT JOIN event_private p ON p.device_id = o.device_id AND p.seq = o.seq AND p.expires_at > now()
      ORDER BY e.seq DESC`;
  }

  changes(tx: TenantTransaction, id: string): Promise<ChangeRow[]> {
    return tx.$queryRaw`
      SELECT at, by_name AS "byName", status, note FROM incident_changes
      WHERE incident_id = ${id}::uuid ORDER BY id LIMIT ${MOST_CHANGES}`;
  }

  /** Locks it. @returns undefined when there is none */
  async lock(tx: TenantTransaction, id: string): Promise<IncidentRow | undefined> {
    const [row] = await tx.$queryRaw<IncidentRow[]>`
      SELECT ${COLUMNS} ${FROM} WHERE i.id = ${id}::uuid FOR UPDATE OF i`;
    return row;
  }

  /** Whether the same data has opened another incident meanwhile. */
  async isContinued(tx: TenantTransaction, id: string): Promise<boolean> {
    const rows = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM incidents i JOIN incidents other USING (organisation_id, fingerprint)
      WHERE i.id = ${id}::uuid AND other.id <> i.id AND other.status <> 'resolved'`;
    return rows.length > 0;
  }

  async decide(
    tx: TenantTransaction,
    id: string,
    decision: { status: IncidentStatus; assignee: string | null; by: string },
  ): Promise<void> {
    const { status, assignee, by } = decision;
    const isClosed = status === 'resolved' || status === 'false-positive';
    await tx.$executeRaw`
      UPDATE incidents SET status = ${status}, assignee = ${assignee},
        resolved_at = CASE WHEN ${isClosed} THEN now() END, resolved_by = CASE WHEN ${isClosed} THEN ${by} END
      WHERE id = ${id}::uuid`;
  }

  /** @returns ids of those that were open */
  async acknowledge(tx: TenantTransaction, ids: readonly string[], by: string): Promise<string[]> {
    const wanted = [...ids];
    const rows = await tx.$queryRaw<{ id: string }[]>`
      UPDATE incidents SET status = 'acknowledged', assignee = coalesce(assignee, ${by})
      WHERE id = ANY (${wanted}::uuid[]) AND status = 'open' RETURNING id`;
    return rows.map(({ id }) => id);
  }

  async note(
    tx: TenantTransaction,
    organisationId: string,
    ids: readonly string[],
    change: { by: string; status: IncidentStatus; note: string },
  ): Promise<void> {
    const about = [...ids];
    await tx.$executeRaw`
      INSERT INTO incident_changes (organisation_id, incident_id, by_name, status, note)
      SELECT ${organisationId}::uuid, id, ${change.by}, ${change.status}, ${change.note} FROM UNNEST(${about}::uuid[]) AS id`;
  }

  /** Whether a legal hold keeps everything from being erased; the database refuses it then. */
  async isHeld(tx: TenantTransaction, organisationId: string): Promise<boolean> {
    const [row] = await tx.$queryRaw<{ held: boolean }[]>`SELECT is_held(${organisationId}::uuid) AS held`;
    return row?.held ?? true;
  }

  /** Erases what is kept beside the entries of an incident. @returns of how many */
  async erase(tx: TenantTransaction, id: string): Promise<number> {
    return tx.$executeRaw`
      WITH gone AS (
        DELETE FROM event_private p USING incident_events o
        WHERE o.incident_id = ${id}::uuid AND p.device_id = o.device_id AND p.seq = o.seq
        RETURNING p.device_id, p.seq)
      UPDATE incident_events o SET erased_at = now() FROM gone WHERE o.device_id = gone.device_id AND o.seq = gone.seq`;
  }

  /** Incidents by the day (UTC) they began on, by class and by outcome. */
  trend(organisationId: string, filter: IncidentFilter, from: Date, to: Date): Promise<TrendRow[]> {
    const conditions = matches(filter);
    conditions.push(Prisma.sql`i.first_at >= ${from} AND i.first_at < ${to}`);
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<TrendRow[]>`
        WITH i AS (SELECT (i.first_at AT TIME ZONE 'UTC')::date AS day, i.classes, i.outcome ${FROM}
          WHERE ${Prisma.join(conditions, ' AND ')})
        SELECT day::text, class, NULL AS outcome, count(*) AS count FROM i, UNNEST(classes) AS class GROUP BY 1, 2
        UNION ALL
        SELECT day::text, NULL, outcome, count(*) FROM i GROUP BY 1, 3`,
    );
  }
}

function matches(filter: IncidentFilter): Prisma.Sql[] {
  const conditions = [Prisma.sql`true`];
  if (filter.status === 'active') conditions.push(Prisma.sql`i.status IN ('open', 'acknowledged')`);
  else if (filter.status !== undefined) conditions.push(Prisma.sql`i.status = ${filter.status}`);
  if (filter.class !== undefined) conditions.push(Prisma.sql`${filter.class} = ANY (i.classes)`);
  if (filter.outcome !== undefined) conditions.push(Prisma.sql`i.outcome = ${filter.outcome}`);
  if (filter.severity !== undefined) conditions.push(Prisma.sql`i.severity = ${filter.severity}`);
  if (filter.device !== undefined) conditions.push(Prisma.sql`i.device_id = ${filter.device}::uuid`);
  if (filter.agent !== undefined) conditions.push(Prisma.sql`i.agent_id = ${filter.agent}`);
  if (filter.host !== undefined) conditions.push(Prisma.sql`i.host = ${filter.host}`);
  return conditions;
}
