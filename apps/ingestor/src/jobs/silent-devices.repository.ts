import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { SILENT_AFTER_MINUTES } from '../overview/overview.repository.ts';

@Injectable()
export class SilentDevicesRepository {
  /** Active devices without a sign of life for too long, simulated ones left out. At most 1,000. */
  find(
    tx: TenantTransaction,
    connected: readonly string[],
  ): Promise<{ id: string; hostname: string; lastSeenAt: Date }[]> {
    const ids = [...connected];
    return tx.$queryRaw`
      SELECT id, hostname, coalesce(last_seen_at, enrolled_at) AS "lastSeenAt" FROM devices
      WHERE status = 'active' AND NOT simulated AND id <> ALL (${ids}::uuid[])
        AND coalesce(last_seen_at, enrolled_at) < now() - make_interval(mins => ${SILENT_AFTER_MINUTES}::int)
      ORDER BY "lastSeenAt" LIMIT 1000`;
  }

  /** Closes the alerts of devices that are back, or that are no longer expected. */
  async closeReturned(tx: TenantTransaction, silent: readonly string[]): Promise<void> {
    const subjects = [...silent];
    await tx.$executeRaw`
      UPDATE alerts SET resolved_at = now(), resolved_by = 'Raypher'
      WHERE kind = 'device.silent' AND resolved_at IS NULL AND subject <> ALL (${subjects}::text[])`;
  }

  /** Old nudges have done their work. */
  async forgetPublished(tx: TenantTransaction): Promise<number> {
    return tx.$executeRaw`DELETE FROM outbox WHERE published_at < now() - interval '1 day'`;
  }
}
