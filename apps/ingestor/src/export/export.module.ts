import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.ts';
import { ExportService } from './export.service.ts';
import { ExportAlerts } from './export-alerts.service.ts';
import { ExportCursorsRepository } from './export-cursors.repository.ts';
import { ExportDestinationsController } from './export-destinations.controller.ts';
import { ExportDestinationsService } from './export-destinations.service.ts';
import { ExportMetrics } from './export-metrics.ts';
import { LogReaderRepository } from './log-reader.repository.ts';
import { Senders } from './senders.ts';

@Module({
  imports: [AlertsModule],
  controllers: [ExportDestinationsController],
  providers: [
    ExportAlerts,
    ExportCursorsRepository,
    ExportDestinationsService,
    ExportMetrics,
    ExportService,
    LogReaderRepository,
    Senders,
  ],
})
export class ExportModule {}
