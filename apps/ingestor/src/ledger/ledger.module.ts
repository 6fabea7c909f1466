import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.ts';
import { ArchiveModule } from '../archive/archive.module.ts';
import { Anchoring } from './anchors/anchoring.ts';
import { AnchorsRepository } from './anchors/anchors.repository.ts';
import { TimeStampingService } from './anchors/time-stamping.service.ts';
import { WitnessingService } from './anchors/witnessing.service.ts';
import { CheckpointMemory } from './checkpoint-memory.ts';
import { CheckpointSigningService } from './checkpoint-signing.service.ts';
import { CheckpointsRepository } from './checkpoints.repository.ts';
import { LedgerController } from './ledger.controller.ts';
import { LedgerService } from './ledger.service.ts';
import { LedgerAlarm } from './ledger-alarm.service.ts';
import { LedgerAuditService } from './ledger-audit.service.ts';
import { LogExportService } from './log-export.service.ts';
import { LogGrowthService } from './log-growth.service.ts';
import { LogOpeningService } from './log-opening.service.ts';
import { LogRestartService } from './log-restart.service.ts';
import { LogStateRepository } from './log-state.repository.ts';
import { LogWriter } from './log-writer.service.ts';
import { LogsRepository } from './logs.repository.ts';
import { RecordRepository } from './record.repository.ts';
import { TilesRepository } from './tiles.repository.ts';

/** The organisations' logs: only ever part of the api role, which has the keys. */
@Module({
  imports: [AlertsModule, ArchiveModule],
  controllers: [LedgerController],
  providers: [
    Anchoring,
    AnchorsRepository,
    TimeStampingService,
    WitnessingService,
    CheckpointMemory,
    CheckpointSigningService,
    CheckpointsRepository,
    LedgerAlarm,
    LedgerAuditService,
    LedgerService,
    LogExportService,
    LogGrowthService,
    LogOpeningService,
    LogRestartService,
    LogStateRepository,
    LogWriter,
    LogsRepository,
    RecordRepository,
    TilesRepository,
  ],
  exports: [Anchoring, LedgerAuditService, LogStateRepository],
})
export class LedgerModule {}
