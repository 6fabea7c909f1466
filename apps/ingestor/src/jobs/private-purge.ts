import { Injectable } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { RetentionRepository } from '../incidents/retention.repository.ts';

/** Rows that one transaction erases. */
const AT_ONCE = 5_000;

/** Erases what stands beside ledger entries once its time is over. */
@Injectable()
export class PrivatePurge {
  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly database: TenantDatabase,
    private readonly retention: RetentionRepository,
  ) {}

  /** @returns of how many entries. */
  async run(): Promise<number> {
    let erased = 0;
    for (const organisationId of await this.crossTenant.organisationIds()) {
      for (let count = AT_ONCE; count === AT_ONCE; erased += count) {
        count = await this.database.within(organisationId, (tx) => this.retention.eraseExpired(tx, AT_ONCE));
      }
    }
    return erased;
  }
}
