import { Injectable } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { MetricsService } from '../metrics/metrics.service.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const DAYS_AHEAD = 7;

/** Keeps a partition of events ready for each of the coming days. */
@Injectable()
export class EventPartitions {
  /** Seconds since the epoch: the beginning of the last day that has a partition, as far as this process knows. */
  private lastDay = 0;

  constructor(
    private readonly crossTenant: CrossTenantRepository,
    metrics: MetricsService,
  ) {
    metrics.watch(
      'raypher_event_partitions_until_seconds',
      'The last day that has a partition of events, seconds since the epoch; 0 when this process made none yet',
      () => this.lastDay,
    );
  }

  async run(now = Date.now()): Promise<number> {
    for (let ahead = 0; ahead <= DAYS_AHEAD; ahead += 1) {
      const day = new Date(now + ahead * DAY_MS).toISOString().slice(0, 10);
      await this.crossTenant.ensureEventPartition(day);
      this.lastDay = Math.max(this.lastDay, Date.parse(day) / 1000);
    }
    return DAYS_AHEAD + 1;
  }
}
