import { Injectable } from '@nestjs/common';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { ArchiveAlarm } from './archive-alarm.service.ts';
import { ArchiveCheck } from './archive-check.service.ts';
import { ArchiveHolds } from './archive-holds.service.ts';
import { ArchivePlace } from './archive-place.ts';
import { Archiver } from './archiver.service.ts';
import { DayDrops } from './day-drops.service.ts';

/** What the archive does in the background, for one organisation or for all, one after the other. */
@Injectable()
export class ArchiveRuns {
  constructor(
    private readonly crossTenant: CrossTenantRepository,
    private readonly place: ArchivePlace,
    private readonly archiver: Archiver,
    private readonly check: ArchiveCheck,
    private readonly holds: ArchiveHolds,
    private readonly drops: DayDrops,
    private readonly alarm: ArchiveAlarm,
  ) {}

  /** Archives what is new, reads it back, follows legal holds; then days that are over leave the database. */
  async archive(organisationId?: string): Promise<void> {
    const { store } = this.place;
    if (store === undefined) return this.warnWithout();
    await this.forEach(organisationId, async (organisation) => {
      await this.holds.follow(organisation, store);
      await this.archiver.archive(organisation, store, { force: organisationId !== undefined });
      await this.check.readBack(organisation, store);
      await this.alarm.works(organisation);
    });
    await this.drops.run();
  }

  /** Verifies all of the archive. */
  async verify(organisationId?: string): Promise<void> {
    const { store } = this.place;
    if (store === undefined) return;
    await this.forEach(organisationId, async (organisation) => {
      const report = await this.check.verify(organisation, store);
      if (report !== undefined) await this.alarm.works(organisation, true);
    });
  }

  /** What goes wrong with one organisation's archive holds up none of the others. */
  private async forEach(
    organisationId: string | undefined,
    work: (organisation: string) => Promise<void>,
  ): Promise<void> {
    const organisations =
      organisationId === undefined ? await this.crossTenant.organisationIds() : [organisationId];
    const failures: unknown[] = [];
    for (const organisation of organisations) {
      try {
        await work(organisation);
      } catch (error) {
        await this.alarm.failed(organisation, error);
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  private async warnWithout(): Promise<void> {
    if (!(await this.drops.hasOverdue())) return;
    for (const organisation of await this.crossTenant.organisationIds()) {
      await this.alarm.raise(organisation, {
        kind: 'archive.missing',
        subject: 'archive',
        severity: 'notice',
        title: 'Events stay in the database for ever: no archive is configured',
        detail: {},
        deviceId: null,
      });
    }
  }
}
