import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.ts';
import { LogsRepository } from '../ledger/logs.repository.ts';
import { TilesRepository } from '../ledger/tiles.repository.ts';
import { ArchiveController } from './archive.controller.ts';
import { ArchiveAlarm } from './archive-alarm.service.ts';
import { ArchiveCheck } from './archive-check.service.ts';
import { ArchiveCursorsRepository } from './archive-cursors.repository.ts';
import { ArchiveEntries } from './archive-entries.service.ts';
import { ArchiveHolds } from './archive-holds.service.ts';
import { ArchivePlace } from './archive-place.ts';
import { ArchiveQueue } from './archive-queue.ts';
import { ArchiveRuns } from './archive-runs.service.ts';
import { ArchiveSettingsController } from './archive-settings.controller.ts';
import { ArchiveSettingsRepository } from './archive-settings.repository.ts';
import { ArchiveSettings } from './archive-settings.service.ts';
import { ArchiveSourceRepository } from './archive-source.repository.ts';
import { ArchiveStatusReader } from './archive-status.service.ts';
import { Archiver } from './archiver.service.ts';
import { DayDrops } from './day-drops.service.ts';
import { DroppedEntries } from './dropped-entries.service.ts';

/** Tiers of the record: what is archived, for how long, and when days of events leave the database. */
@Module({
  imports: [AlertsModule],
  controllers: [ArchiveController, ArchiveSettingsController],
  providers: [
    ArchiveAlarm,
    ArchiveCheck,
    ArchiveCursorsRepository,
    ArchiveEntries,
    ArchiveHolds,
    ArchivePlace,
    ArchiveQueue,
    ArchiveRuns,
    ArchiveSettings,
    ArchiveSettingsRepository,
    ArchiveSourceRepository,
    ArchiveStatusReader,
    Archiver,
    DayDrops,
    DroppedEntries,
    LogsRepository,
    TilesRepository,
  ],
  exports: [ArchiveQueue, ArchiveRuns, DroppedEntries],
})
export class ArchiveModule {}
