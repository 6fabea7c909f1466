import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { PrivateRetention as PrivateRetentionRow } from '../generated/prisma/client.ts';

@Injectable()
export class RetentionRepository {
  find(tx: TenantTransaction, organisationId: string): Promise<PrivateRetentionRow | null> {
    return tx.privateRetention.findUnique({ where: { organisationId } });
  }

  /** Also for what is kept already. */
  async change(tx: TenantTransaction, organisationId: string, days: number, by: string): Promise<void> {
    const setting = { days, updatedAt: new Date(), updatedBy: by };
    await tx.privateRetention.upsert({
      where: { organisationId },
      create: { organisationId, ...setting },
      update: setting,
    });
    await tx.$executeRaw`UPDATE event_private SET expires_at = stored_at + make_interval(days => ${days}::int)`;
  }

  /** Erases what has expired, unless there is a legal hold. @returns of how many entries */
  async eraseExpired(tx: TenantTransaction, most: number): Promise<number> {
    const [row] = await tx.$queryRaw<{ erased: bigint }[]>`
      WITH gone AS (
        DELETE FROM event_private WHERE (device_id, seq) IN (
          SELECT device_id, seq FROM event_private
          WHERE expires_at <= now() AND NOT is_held(raypher_organisation()) LIMIT ${most})
        RETURNING device_id, seq),
      told AS (
        UPDATE incident_events o SET erased_at = now() FROM gone
        WHERE o.device_id = gone.device_id AND o.seq = gone.seq)
      SELECT count(*) AS erased FROM gone`;
    return Number(row?.erased ?? 0);
  }
}
