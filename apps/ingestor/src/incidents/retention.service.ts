import { Injectable } from '@nestjs/common';
import { DEFAULT_RETENTION_DAYS, type PrivateRetention, type UpdateRetention } from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { RetentionRepository } from './retention.repository.ts';

/** How long an organisation keeps what stands beside its ledger entries. */
@Injectable()
export class RetentionService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly retention: RetentionRepository,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  async read(organisationId: string): Promise<PrivateRetention> {
    const row = await this.database.within(organisationId, (tx) => this.retention.find(tx, organisationId));
    return {
      days: row?.days ?? DEFAULT_RETENTION_DAYS,
      updatedAt: row?.updatedAt.toISOString() ?? null,
      updatedBy: row?.updatedBy ?? null,
    };
  }

  async update(caller: Principal, input: UpdateRetention): Promise<PrivateRetention> {
    const organisationId = caller.organisation.id;
    await this.database.within(organisationId, async (tx) => {
      const before = await this.retention.find(tx, organisationId);
      await this.retention.change(tx, organisationId, input.days, labelOf(caller));
      await this.audit.record(tx, organisationId, caller, {
        action: 'settings.retention',
        target: 'masked samples',
        reason: input.reason,
        before: { days: before?.days ?? DEFAULT_RETENTION_DAYS },
        after: { days: input.days },
      });
    });
    this.changes.announce(organisationId, 'settings', 'incidents', 'audit');
    return this.read(organisationId);
  }
}
