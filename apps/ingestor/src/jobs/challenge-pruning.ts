import { Injectable } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { ChallengesRepository } from '../enrollment/challenges.repository.ts';

/** Removes challenges that nobody answered in time. */
@Injectable()
export class ChallengePruning {
  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly database: TenantDatabase,
    private readonly challenges: ChallengesRepository,
  ) {}

  /** @returns how many were removed. */
  async run(): Promise<number> {
    let removed = 0;
    for (const organisationId of await this.crossTenant.organisationIds()) {
      removed += await this.database.within(organisationId, (tx) => this.challenges.forgetExpired(tx));
    }
    return removed;
  }
}
