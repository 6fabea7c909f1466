import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';

export interface Retention {
  hotDays: number;
  archiveYears: number;
  setAt: Date | undefined;
  setBy: string | undefined;
}

export interface LegalHoldRow {
  id: string;
  reason: string;
  placedAt: Date;
  placedBy: string;
  liftedAt: Date | null;
  liftedBy: string | null;
  liftReason: string | null;
}

/** As the database has it for organisations that never decided. */
export const DEFAULT_HOT_DAYS = 30;
export const DEFAULT_ARCHIVE_YEARS = 1;

/** How long an organisation keeps its record, and what it must not erase. */
@Injectable()
export class ArchiveSettingsRepository {
  async retention(tx: TenantTransaction): Promise<Retention> {
    const row = await tx.recordRetention.findFirst({ orderBy: { setAt: 'desc' } });
    return {
      hotDays: row?.hotDays ?? DEFAULT_HOT_DAYS,
      archiveYears: row?.archiveYears ?? DEFAULT_ARCHIVE_YEARS,
      setAt: row?.setAt,
      setBy: row?.setBy,
    };
  }

  async setRetention(
    tx: TenantTransaction,
    organisationId: string,
    { hotDays, archiveYears, setBy }: { hotDays: number; archiveYears: number; setBy: string },
  ): Promise<void> {
    // The database gives it its time.
    await tx.$executeRaw`
      INSERT INTO record_retention (organisation_id, set_at, hot_days, archive_years, set_by)
      VALUES (${organisationId}::uuid, now(), ${hotDays}, ${archiveYears}, ${setBy})`;
  }

  /** Newest first. */
  holds(tx: TenantTransaction): Promise<LegalHoldRow[]> {
    return tx.legalHold.findMany({ orderBy: { placedAt: 'desc' }, take: 100 });
  }

  async place(
    tx: TenantTransaction,
    organisationId: string,
    reason: string,
    placedBy: string,
  ): Promise<string> {
    const [row] = await tx.$queryRaw<[{ id: string }]>`
      INSERT INTO legal_holds (organisation_id, reason, placed_at, placed_by)
      VALUES (${organisationId}::uuid, ${reason}, now(), ${placedBy}) RETURNING id`;
    return row.id;
  }

  /** @returns whether there was such a hold in force. */
  async lift(tx: TenantTransaction, id: string, reason: string, liftedBy: string): Promise<boolean> {
    const lifted = await tx.$executeRaw`
      UPDATE legal_holds SET lifted_by = ${liftedBy}, lift_reason = ${reason}
      WHERE id = ${id}::uuid AND lifted_at IS NULL`;
    return lifted > 0;
  }

  /** Also for seven days after the last one was lifted. */
  async isHeld(tx: TenantTransaction, organisationId: string): Promise<boolean> {
    const [row] = await tx.$queryRaw<{ held: boolean }[]>`SELECT is_held(${organisationId}::uuid) AS held`;
    return row?.held ?? true;
  }

  /** Before this place in the log, entries of devices may be in the archive alone; 0 when all are here. */
  async droppedEnd(tx: TenantTransaction): Promise<number> {
    const { _max } = await tx.droppedEventDay.aggregate({ _max: { endIndex: true } });
    return Number(_max.endIndex ?? 0);
  }

  async droppedDays(
    tx: TenantTransaction,
  ): Promise<{ days: number; events: number; newest: Date | undefined }> {
    const { _count, _sum, _max } = await tx.droppedEventDay.aggregate({
      _count: true,
      _sum: { events: true },
      _max: { day: true },
    });
    return { days: _count, events: Number(_sum.events ?? 0), newest: _max.day ?? undefined };
  }
}
