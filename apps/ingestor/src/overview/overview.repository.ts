import { Injectable } from '@nestjs/common';
import { TenantDatabase } from '../database/tenant-database.ts';

/** Silent: no sign of life for so long. */
export const SILENT_AFTER_MINUTES = 5;

export interface OverviewCounts {
  total: bigint;
  connected: bigint;
  silent: bigint;
  revoked: bigint;
  agents: bigint;
  running: bigint;
  frozen: bigint;
  newToday: bigint;
  freezes: bigint;
  openAlerts: bigint;
  criticalAlerts: bigint;
  pendingApprovals: bigint;
}

export interface PostureRow {
  capability: string;
  enforced: bigint;
  observing: bigint;
  unavailable: bigint;
  reason: string | null;
}

export interface OverviewData {
  counts: OverviewCounts;
  posture: PostureRow[];
  policy: { revision: bigint; documents: unknown; appliedBy: bigint } | undefined;
}

@Injectable()
export class OverviewRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** Everything but the events, in one transaction: the numbers fit each other. */
  read(organisationId: string, connected: readonly string[]): Promise<OverviewData> {
    const ids = [...connected];
    return this.database.within(organisationId, async (tx) => {
      const [counts] = await tx.$queryRaw<OverviewCounts[]>`
        SELECT d.*, a.*, f.*, l.*, p.* FROM
          (SELECT count(*) FILTER (WHERE status = 'active') AS total,
             count(*) FILTER (WHERE status = 'active' AND c.id IS NOT NULL) AS connected,
             count(*) FILTER (WHERE status = 'active' AND c.id IS NULL
               AND coalesce(last_seen_at, enrolled_at) < now() - make_interval(mins => ${SILENT_AFTER_MINUTES}::int)) AS silent,
             count(*) FILTER (WHERE status = 'revoked') AS revoked
           FROM devices LEFT JOIN unnest(${ids}::uuid[]) AS c (id) ON c.id = devices.id) d,
          (SELECT count(*) AS agents, count(*) FILTER (WHERE ai.state = 'running') AS running,
             count(*) FILTER (WHERE ai.state = 'frozen') AS frozen,
             count(*) FILTER (WHERE ai.first_seen_at >= now() - interval '24 hours') AS "newToday"
           FROM ai_agents ai JOIN devices ON devices.id = ai.device_id
           WHERE ai.state <> 'gone' AND devices.status = 'active') a,
          (SELECT count(*) AS freezes FROM freezes WHERE thawed_at IS NULL) f,
          (SELECT count(*) AS "openAlerts", count(*) FILTER (WHERE severity = 'critical') AS "criticalAlerts"
           FROM alerts WHERE resolved_at IS NULL) l,
          (SELECT count(*) AS "pendingApprovals" FROM approvals WHERE how IS NULL AND sent_at IS NULL
           AND expires_at > now()) p`;
      if (counts === undefined) throw new Error('aggregates always give one row');
      const posture = await tx.$queryRaw<PostureRow[]>`
        SELECT item ->> 'capability' AS capability,
          count(*) FILTER (WHERE item ->> 'state' = 'enforced') AS enforced,
          count(*) FILTER (WHERE item ->> 'state' = 'observing') AS observing,
          count(*) FILTER (WHERE item ->> 'state' = 'unavailable') AS unavailable,
          mode() WITHIN GROUP (ORDER BY nullif(item ->> 'reason', ''))
            FILTER (WHERE item ->> 'state' <> 'enforced') AS reason
        FROM devices, jsonb_array_elements(CASE jsonb_typeof(posture) WHEN 'array' THEN posture ELSE '[]' END) AS item
        WHERE status = 'active' AND item ->> 'capability' IS NOT NULL GROUP BY 1 ORDER BY 1`;
      const [policy] = await tx.$queryRaw<{ revision: bigint; documents: unknown; appliedBy: bigint }[]>`
        SELECT revision, documents, (SELECT count(*) FROM devices
            WHERE status = 'active' AND applied_policy_revision = revision) AS "appliedBy"
        FROM policy_revisions WHERE stage IS NULL ORDER BY revision DESC LIMIT 1`;
      return { counts, posture, policy };
    });
  }
}
