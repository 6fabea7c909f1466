import { Injectable } from '@nestjs/common';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { ExportCursor, ExportDestination } from '../generated/prisma/client.ts';

export interface Lease {
  destination: ExportDestination;
  cursor: ExportCursor;
}

/**
 * How far each destination is, and who sends to it. Whoever holds the lease moves the cursor, and only while they hold
 * it; changes of a destination take the lease away.
 */
@Injectable()
export class ExportCursorsRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** @returns nothing when somebody else sends, or nobody shall */
  lease(
    organisationId: string,
    destinationId: string,
    owner: string,
    leaseMs: number,
  ): Promise<Lease | undefined> {
    return this.database.within(organisationId, async (tx) => {
      const taken = await tx.$executeRaw`
        UPDATE export_cursors c SET lease_owner = ${owner}::uuid,
          lease_until = now() + make_interval(secs => ${leaseMs / 1_000}::double precision)
        FROM export_destinations d
        WHERE c.destination_id = ${destinationId}::uuid AND d.id = c.destination_id AND d.enabled
          AND (c.lease_owner = ${owner}::uuid OR c.lease_until IS NULL OR c.lease_until < now())
          AND (c.retry_at IS NULL OR c.retry_at <= now())`;
      if (taken === 0) return undefined;
      const destination = await tx.exportDestination.findUnique({ where: { id: destinationId } });
      const cursor = await tx.exportCursor.findUnique({ where: { destinationId } });
      return destination === null || cursor === null ? undefined : { destination, cursor };
    });
  }

  /** While a batch is on its way. */
  async renew(organisationId: string, destinationId: string, owner: string, leaseMs: number): Promise<void> {
    await this.database.within(
      organisationId,
      (tx) => tx.$executeRaw`
        UPDATE export_cursors SET lease_until = now() + make_interval(secs => ${leaseMs / 1_000}::double precision)
        WHERE destination_id = ${destinationId}::uuid AND lease_owner = ${owner}::uuid`,
    );
  }

  /**
   * The receiver has confirmed everything before that place.
   *
   * @param events how many were sent; those that a filter leaves out are passed over
   * @returns false when the lease was lost: what was sent may be sent again
   */
  async advance(
    tx: TenantTransaction,
    destinationId: string,
    owner: string,
    to: { nextIndex: bigint; events: number; leaseMs: number },
  ): Promise<boolean> {
    const moved = await tx.$executeRaw`
      UPDATE export_cursors SET next_index = ${to.nextIndex}, sent = sent + ${to.events},
        sent_at = CASE WHEN ${to.events} > 0 THEN now() ELSE sent_at END,
        failures = 0, failing_since = NULL, failure = NULL, retry_at = NULL,
        lease_until = now() + make_interval(secs => ${to.leaseMs / 1_000}::double precision)
      WHERE destination_id = ${destinationId}::uuid AND lease_owner = ${owner}::uuid`;
    return moved > 0;
  }

  /** @returns since when nothing gets through; nothing when the lease was lost */
  async fail(
    tx: TenantTransaction,
    destinationId: string,
    owner: string,
    failure: { words: string; pauseMs: number },
  ): Promise<Date | undefined> {
    const [row] = await tx.$queryRaw<{ since: Date }[]>`
      UPDATE export_cursors SET failures = failures + 1, failing_since = coalesce(failing_since, now()),
        failure = ${failure.words}, lease_owner = NULL, lease_until = NULL,
        retry_at = now() + make_interval(secs => ${failure.pauseMs / 1_000}::double precision)
      WHERE destination_id = ${destinationId}::uuid AND lease_owner = ${owner}::uuid
      RETURNING failing_since AS since`;
    return row?.since;
  }

  async release(organisationId: string, destinationId: string, owner: string): Promise<void> {
    await this.database.within(
      organisationId,
      (tx) => tx.$executeRaw`UPDATE export_cursors SET lease_owner = NULL, lease_until = NULL
        WHERE destination_id = ${destinationId}::uuid AND lease_owner = ${owner}::uuid`,
    );
  }

  /**
   * Whoever sends stops, and the next one begins with what is there now: at once, or a moment later where a batch is on
   * its way, so that two do not write to one file.
   */
  async interrupt(tx: TenantTransaction, destinationId: string, nextIndex?: bigint): Promise<void> {
    await tx.$executeRaw`
      UPDATE export_cursors SET next_index = coalesce(${nextIndex ?? null}::bigint, next_index), retry_at = NULL,
        lease_until = CASE WHEN lease_owner IS NOT NULL AND lease_until > now() THEN now() + interval '2 seconds' END,
        lease_owner = NULL
      WHERE destination_id = ${destinationId}::uuid`;
  }
}
