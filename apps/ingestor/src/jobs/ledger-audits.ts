import { Injectable, Logger } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LedgerAuditService } from '../ledger/ledger-audit.service.ts';
import { LogStateRepository } from '../ledger/log-state.repository.ts';

const COMPLETE_EVERY_MS = 24 * 60 * 60 * 1000;

/** Looks at what is new in every log, and once a day at everything. */
@Injectable()
export class LedgerAudits {
  private readonly logger = new Logger('LedgerAudits');

  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly database: TenantDatabase,
    private readonly state: LogStateRepository,
    private readonly audits: LedgerAuditService,
  ) {}

  /** @returns how many entries were looked at. */
  async run(now = Date.now()): Promise<number> {
    let entries = 0;
    for (const organisation of await this.crossTenant.organisationIds()) {
      const { completedAt } = await this.database.within(organisation, (tx) => this.state.progress(tx));
      // A time that is yet to come says nothing.
      const age = Math.abs(now - (completedAt?.getTime() ?? 0));
      const isDue = age >= COMPLETE_EVERY_MS;
      try {
        entries += (await this.audits.audit(organisation, isDue ? 'all' : 'new')).entries;
      } catch (error) {
        this.logger.error(`The record of ${organisation} could not be looked at: ${String(error)}`);
      }
    }
    return entries;
  }
}
