import { Injectable } from '@nestjs/common';
import { Alert } from '@raypher/shared/rest';
import { z } from 'zod';
import { toJson } from '../database/json.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';

export interface AlertRow {
  id: string;
  kind: string;
  subject: string;
  severity: string;
  title: string;
  detail: unknown;
  deviceId: string | null;
  hostname: string | null;
  simulated: boolean | null;
  occurrences: number;
  createdAt: Date;
  lastAt: Date;
  resolvedAt: Date | null;
  resolvedBy: string | null;
}

export interface NewAlert {
  kind: string;
  subject: string;
  severity: 'notice' | 'warning' | 'critical';
  title: string;
  detail: Record<string, unknown>;
  deviceId: string | null;
}

const SELECT = Prisma.sql`SELECT a.id, a.kind, a.subject, a.severity, a.title, a.detail, a.device_id AS "deviceId",
  d.hostname, d.simulated, a.occurrences, a.created_at AS "createdAt", a.last_at AS "lastAt",
  a.resolved_at AS "resolvedAt", a.resolved_by AS "resolvedBy"
  FROM alerts a LEFT JOIN devices d ON d.id = a.device_id`;

@Injectable()
export class AlertsRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** Open ones first, then by their last occurrence, newest first. */
  page(
    organisationId: string,
    filter: { state?: 'open' | 'resolved' | undefined },
    before: { isOpen: boolean; lastAt: string; id: string } | undefined,
    limit: number,
  ): Promise<AlertRow[]> {
    const conditions = [Prisma.sql`true`];
    if (filter.state === 'open') conditions.push(Prisma.sql`a.resolved_at IS NULL`);
    if (filter.state === 'resolved') conditions.push(Prisma.sql`a.resolved_at IS NOT NULL`);
    if (before !== undefined) {
      conditions.push(Prisma.sql`(a.resolved_at IS NULL, date_trunc('milliseconds', a.last_at), a.id)
        < (${before.isOpen}, ${before.lastAt}::timestamptz, ${before.id}::uuid)`);
    }
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<AlertRow[]>`
        ${SELECT} WHERE ${Prisma.join(conditions, ' AND ')}
        ORDER BY a.resolved_at IS NULL DESC, date_trunc('milliseconds', a.last_at) DESC, a.id DESC LIMIT ${limit + 1}`,
    );
  }

  async find(tx: TenantTransaction, id: string): Promise<AlertRow | undefined> {
    const [row] = await tx.$queryRaw<AlertRow[]>`${SELECT} WHERE a.id = ${id}::uuid`;
    return row;
  }

  async resolve(tx: TenantTransaction, id: string, resolvedBy: string): Promise<void> {
    await tx.alert.updateMany({
      where: { id, resolvedAt: null },
      data: { resolvedAt: new Date(), resolvedBy },
    });
  }

  /** One open alert per subject: the first time it is raised, after that nothing new is said. */
  async raiseOnce(
    tx: TenantTransaction,
    organisationId: string,
    alert: NewAlert,
  ): Promise<string | undefined> {
    const [row] = await tx.$queryRaw<{ id: string }[]>`
      INSERT INTO alerts (organisation_id, kind, subject, severity, title, detail, device_id)
      VALUES (${organisationId}::uuid, ${alert.kind}, ${alert.subject}, ${alert.severity}, ${alert.title},
        ${JSON.stringify(toJson(alert.detail))}::jsonb, ${alert.deviceId}::uuid)
      ON CONFLICT (organisation_id, kind, subject) WHERE resolved_at IS NULL DO NOTHING RETURNING id`;
    return row?.id;
  }
}

const Detail = z.record(z.string(), z.unknown());

export function showAlert(row: AlertRow): Alert {
  const detail = Detail.parse(row.detail);
  const others = typeof detail.worstOf === 'number' ? detail.worstOf - 1 : 0;
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    severity: Alert.shape.severity.parse(row.severity),
    title: others > 0 ? `${row.title}, and ${others} more` : row.title,
    detail,
    deviceId: row.deviceId,
    hostname: row.hostname,
    simulated: row.simulated ?? false,
    occurrences: row.occurrences,
    createdAt: row.createdAt.toISOString(),
    lastAt: row.lastAt.toISOString(),
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
    resolvedBy: row.resolvedBy,
  };
}
