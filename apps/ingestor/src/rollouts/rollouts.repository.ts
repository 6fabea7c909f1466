import { Injectable } from '@nestjs/common';
import type { PolicyStage, RolloutPhase } from '@raypher/shared/rest';
import { toJson } from '../database/json.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';
import type { RolloutDeviceRow, RolloutRow } from './rollout.row.ts';
import { stageHolds } from './stage-membership.ts';

export interface NewRollout {
  kind: 'policy' | 'freeze';
  revision: number;
  title: string;
  reason: string;
  createdBy: string;
  /** Whom it is for; null is everybody. */
  stage: PolicyStage | null;
}

@Injectable()
export class RolloutsRepository {
  constructor(private readonly database: TenantDatabase) {}

  /**
   * Inserts a rollout; the ones before it on the same line are superseded. One that only some devices get leaves
   * that of everybody else open.
   */
  async open(tx: TenantTransaction, organisationId: string, rollout: NewRollout): Promise<string> {
    const { stage } = rollout;
    await tx.rollout.updateMany({
      where: {
        kind: rollout.kind,
        supersededAt: null,
        ...(stage === null ? {} : { stage: { not: Prisma.DbNull } }),
      },
      data: { supersededAt: new Date() },
    });
    const { id } = await tx.rollout.create({
      data: {
        ...rollout,
        revision: BigInt(rollout.revision),
        organisationId,
        stage: stage === null ? Prisma.DbNull : toJson(stage),
      },
      select: { id: true },
    });
    return id;
  }

  /** Newest first, with live counts. */
  list(
    organisationId: string,
    page: { before: { createdAt: string; id: string } | undefined; limit: number },
    connected: readonly string[],
  ): Promise<RolloutRow[]> {
    const { before, limit } = page;
    const older =
      before === undefined
        ? Prisma.sql`true`
        : Prisma.sql`(date_trunc('milliseconds', r.created_at), r.id) < (${before.createdAt}::timestamptz, ${before.id}::uuid)`;
    return this.database.within(
      organisationId,
      (tx) =>
        tx.$queryRaw<RolloutRow[]>`${counted(
          Prisma.sql`SELECT r.* FROM rollouts r WHERE ${older} ORDER BY date_trunc('milliseconds', r.created_at) DESC, r.id DESC LIMIT ${limit + 1}`,
          connected,
        )}`,
    );
  }

  find(organisationId: string, ids: readonly string[], connected: readonly string[]): Promise<RolloutRow[]> {
    const wanted = [...ids];
    return this.database.within(
      organisationId,
      (tx) =>
        tx.$queryRaw<RolloutRow[]>`${counted(
          Prisma.sql`SELECT r.* FROM rollouts r WHERE r.id = ANY (${wanted}::uuid[])`,
          connected,
        )}`,
    );
  }

  /** The devices of one rollout by host name, each in its phase. */
  devices(
    organisationId: string,
    rolloutId: string,
    page: {
      after: { hostname: string; id: string } | undefined;
      limit: number;
      phase?: RolloutPhase | undefined;
    },
    connected: readonly string[],
  ): Promise<RolloutDeviceRow[]> {
    const conditions = [Prisma.sql`true`];
    if (page.after !== undefined) {
      conditions.push(Prisma.sql`(hostname, "deviceId") > (${page.after.hostname}, ${page.after.id}::uuid)`);
    }
    if (page.phase !== undefined) conditions.push(Prisma.sql`phase = ${page.phase}`);
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<RolloutDeviceRow[]>`
        WITH wanted AS (SELECT r.* FROM rollouts r WHERE r.id = ${rolloutId}::uuid), ${phases(connected)}
        SELECT "deviceId", hostname, simulated, phase, code, detail, affected, "updatedAt", "createdAt" FROM phases
        WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY hostname, "deviceId" LIMIT ${page.limit + 1}`,
    );
  }
}

/**
 * Every device a rollout concerns, in its phase. Those are the active devices that were there before the
 * next rollout took over, and any that answered. A device that has not finished and is not connected is
 * unreachable: it will apply the state when it comes back.
 */
function phases(connected: readonly string[]): Prisma.Sql {
  const ids = [...connected];
  return Prisma.sql`phases AS (
    SELECT w.id AS "rolloutId", w.created_at AS "createdAt", d.id AS "deviceId", d.hostname, d.simulated,
      CASE
        WHEN x.phase IN ('applied', 'rejected') THEN x.phase
        WHEN c.id IS NULL OR w.superseded_at IS NOT NULL THEN 'unreachable'
        ELSE coalesce(x.phase, 'pending')
      END AS phase,
      coalesce(x.code, '') AS code, coalesce(x.detail, '') AS detail, coalesce(x.affected, 0) AS affected,
      x.updated_at AS "updatedAt"
    FROM wanted w
    JOIN devices d ON d.enrolled_at < coalesce(w.superseded_at, 'infinity')
    LEFT JOIN rollout_devices x ON x.rollout_id = w.id AND x.device_id = d.id
    LEFT JOIN unnest(${ids}::uuid[]) AS c (id) ON c.id = d.id
    WHERE (d.status = 'active' AND ${stageHolds(Prisma.sql`w.stage`)}) OR x.device_id IS NOT NULL)`;
}

function counted(wanted: Prisma.Sql, connected: readonly string[]): Prisma.Sql {
  const of = (phase: RolloutPhase) => Prisma.sql`count(p.phase) FILTER (WHERE p.phase = ${phase})`;
  return Prisma.sql`
    WITH wanted AS (${wanted}), ${phases(connected)}
    SELECT w.id, w.kind, w.revision, w.title, w.reason, w.created_by AS "createdBy", w.created_at AS "createdAt",
      w.superseded_at AS "supersededAt", w.stage, count(p."deviceId") AS devices,
      ${of('pending')} AS pending, ${of('received')} AS received, ${of('verified')} AS verified,
      ${of('applied')} AS applied, ${of('rejected')} AS rejected, ${of('unreachable')} AS unreachable,
      coalesce(sum(p.affected), 0)::bigint AS affected,
      max(p."updatedAt") FILTER (WHERE p.phase IN ('applied', 'rejected')) AS "lastAnswerAt"
    FROM wanted w LEFT JOIN phases p ON p."rolloutId" = w.id
    GROUP BY w.id, w.kind, w.revision, w.title, w.reason, w.created_by, w.created_at, w.superseded_at, w.stage
    ORDER BY w.created_at DESC, w.id DESC`;
}
