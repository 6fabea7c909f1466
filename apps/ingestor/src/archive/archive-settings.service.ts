import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { LegalHoldReason, RecordRetention, UpdateRecordRetention } from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { ArchiveSettingsRepository, type LegalHoldRow } from './archive-settings.repository.ts';

/** How long an organisation keeps its record, and its legal holds. */
@Injectable()
export class ArchiveSettings {
  constructor(
    private readonly database: TenantDatabase,
    private readonly settings: ArchiveSettingsRepository,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  read(organisationId: string): Promise<RecordRetention> {
    return this.database.within(organisationId, async (tx) => {
      const { hotDays, archiveYears, setAt, setBy } = await this.settings.retention(tx);
      const dropped = await this.settings.droppedDays(tx);
      return {
        hotDays,
        archiveYears,
        updatedAt: setAt?.toISOString() ?? null,
        updatedBy: setBy ?? null,
        isHeld: await this.settings.isHeld(tx, organisationId),
        holds: (await this.settings.holds(tx)).map(showHold),
        archivedOnly: {
          days: dropped.days,
          events: dropped.events,
          newestDay: dropped.newest?.toISOString().slice(0, 10) ?? null,
        },
      };
    });
  }

  async update(
    caller: Principal,
    { hotDays, archiveYears, reason }: UpdateRecordRetention,
  ): Promise<RecordRetention> {
    const organisationId = caller.organisation.id;
    await this.database.within(organisationId, async (tx) => {
      const before = await this.settings.retention(tx);
      await this.settings.setRetention(tx, organisationId, { hotDays, archiveYears, setBy: labelOf(caller) });
      await this.audit.record(tx, organisationId, caller, {
        action: 'settings.record-retention',
        target: 'the record',
        reason,
        before: { hotDays: before.hotDays, archiveYears: before.archiveYears },
        after: { hotDays, archiveYears },
      });
    });
    return this.changed(organisationId);
  }

  async place(caller: Principal, { reason }: LegalHoldReason): Promise<RecordRetention> {
    const organisationId = caller.organisation.id;
    await this.database.within(organisationId, async (tx) => {
      const id = await this.settings.place(tx, organisationId, reason, labelOf(caller));
      await this.audit.record(tx, organisationId, caller, { action: 'legal-hold.place', target: id, reason });
    });
    return this.changed(organisationId);
  }

  async lift(caller: Principal, id: string, { reason }: LegalHoldReason): Promise<RecordRetention> {
    const organisationId = caller.organisation.id;
    await this.database.within(organisationId, async (tx) => {
      if (!(await this.settings.lift(tx, id, reason, labelOf(caller)))) {
        throw new RaypherError('request/not-found', 'There is no such legal hold in force.');
      }
      await this.audit.record(tx, organisationId, caller, { action: 'legal-hold.lift', target: id, reason });
    });
    return this.changed(organisationId);
  }

  private changed(organisationId: string): Promise<RecordRetention> {
    this.changes.announce(organisationId, 'settings', 'audit');
    return this.read(organisationId);
  }
}

function showHold(row: LegalHoldRow): RecordRetention['holds'][number] {
  return {
    ...row,
    placedAt: row.placedAt.toISOString(),
    liftedAt: row.liftedAt?.toISOString() ?? null,
  };
}
