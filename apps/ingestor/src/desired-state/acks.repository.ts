import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../database/ingest-database.ts';
import type { StateKind } from '../link/device-stream.ts';

export type AckPhase = 'received' | 'verified' | 'applied' | 'rejected';

export interface AckRow {
  organisationId: string;
  deviceId: string;
  kind: StateKind;
  revision: bigint;
  phase: AckPhase;
  code: string;
  detail: string;
  affected: number;
}

@Injectable()
export class AcksRepository {
  constructor(private readonly database: IngestDatabase) {}

  /**
   * Writes how far devices are. Phases never go backwards, except that a device which refused may apply
   * after all.
   *
   * @returns the rollouts that moved, with their organisation.
   */
  async record(acks: readonly AckRow[]): Promise<{ organisationId: string; rolloutId: string }[]> {
    const sorted = acks.toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
    return this.database.transaction(async (client) => {
      const { rows } = await client.query<{ organisationId: string; rolloutId: string }>(
        `WITH moved AS (
           INSERT INTO rollout_devices AS known
                  (organisation_id, rollout_id, device_id, phase, code, detail, affected, updated_at)
           SELECT r.organisation_id, r.id, n.device_id, n.phase, n.code, n.detail, n.affected, now()
             FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::int[])
                  AS n (organisation_id, device_id, kind, revision, phase, code, detail, affected)
             JOIN rollouts r ON r.organisation_id = n.organisation_id AND r.kind = n.kind AND r.revision = n.revision
            ORDER BY n.device_id
           ON CONFLICT (rollout_id, device_id) DO UPDATE SET
             phase = EXCLUDED.phase, code = EXCLUDED.code, detail = EXCLUDED.detail, affected = EXCLUDED.affected,
             updated_at = EXCLUDED.updated_at
           WHERE array_position($9::text[], EXCLUDED.phase) > array_position($9::text[], known.phase)
              OR (EXCLUDED.phase = 'applied' AND known.phase = 'applied' AND EXCLUDED.affected > known.affected)
           RETURNING organisation_id, rollout_id)
         SELECT DISTINCT organisation_id AS "organisationId", rollout_id AS "rolloutId" FROM moved`,
        [
          sorted.map((ack) => ack.organisationId),
          sorted.map((ack) => ack.deviceId),
          sorted.map((ack) => ack.kind),
          sorted.map((ack) => ack.revision.toString()),
          sorted.map((ack) => ack.phase),
          sorted.map((ack) => ack.code),
          sorted.map((ack) => ack.detail),
          sorted.map((ack) => ack.affected),
          ['received', 'verified', 'rejected', 'applied'] satisfies AckPhase[],
        ],
      );
      const applied = sorted.filter((ack) => ack.phase === 'applied');
      if (applied.length > 0) {
        await client.query(
          `WITH newest AS (
             SELECT device_id, max(revision) FILTER (WHERE kind = 'policy') AS policy,
                    max(revision) FILTER (WHERE kind = 'freeze') AS freeze
               FROM UNNEST($1::uuid[], $2::text[], $3::bigint[]) AS n (device_id, kind, revision)
              GROUP BY device_id),
           locked AS (SELECT id FROM devices WHERE id IN (SELECT device_id FROM newest) ORDER BY id FOR NO KEY UPDATE)
           UPDATE devices d SET
                  applied_policy_revision = GREATEST(d.applied_policy_revision, n.policy),
                  applied_freeze_revision = GREATEST(d.applied_freeze_revision, n.freeze)
             FROM newest n JOIN locked ON locked.id = n.device_id
            WHERE d.id = n.device_id`,
          [
            applied.map((ack) => ack.deviceId),
            applied.map((ack) => ack.kind),
            applied.map((ack) => ack.revision.toString()),
          ],
        );
      }
      return rows;
    });
  }
}
