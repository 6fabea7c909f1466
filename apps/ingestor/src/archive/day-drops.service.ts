import { Injectable, Logger } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { DEFAULT_HOT_DAYS } from './archive-settings.repository.ts';

const DAY_MS = 86_400_000;

/** Lets days of events leave the database that every organisation allows to go. The database itself looks. */
@Injectable()
export class DayDrops {
  private readonly logger = new Logger('Archive');

  constructor(private readonly crossTenant: CrossTenantRepository) {}

  /** @returns the days that went. */
  async run(): Promise<string[]> {
    const gone: string[] = [];
    for (const day of await this.old(7)) {
      const result = await this.crossTenant.dropEventLeaf(day);
      if ('stays' in result) continue;
      this.logger.log(`The events of ${day} are in the archive alone: ${result.dropped} left the database.`);
      gone.push(day);
    }
    return gone;
  }

  /** Whether there are days that would have gone by now if there were an archive. */
  async hasOverdue(): Promise<boolean> {
    return (await this.old(DEFAULT_HOT_DAYS)).length > 0;
  }

  private async old(days: number): Promise<string[]> {
    const limit = new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
    return (await this.crossTenant.eventLeafDays()).filter((day) => day < limit);
  }
}
