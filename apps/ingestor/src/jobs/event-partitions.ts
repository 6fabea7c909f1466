import { Injectable } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const DAYS_AHEAD = 7;

/** Keeps a partition of events ready for each of the coming days. */
@Injectable()
export class EventPartitions {
  constructor(private readonly crossTenant: CrossTenantRepository) {}

  async run(now = Date.now()): Promise<number> {
    for (let ahead = 0; ahead <= DAYS_AHEAD; ahead += 1) {
      await this.crossTenant.ensureEventPartition(new Date(now + ahead * DAY_MS).toISOString().slice(0, 10));
    }
    return DAYS_AHEAD + 1;
  }
}
