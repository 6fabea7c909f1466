import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.ts';
import { OverviewController } from './overview.controller.ts';
import { OverviewRepository } from './overview.repository.ts';
import { OverviewService } from './overview.service.ts';
import { VerdictMinutes } from './verdict-minutes.service.ts';

@Module({
  imports: [EventsModule],
  controllers: [OverviewController],
  providers: [OverviewRepository, OverviewService, VerdictMinutes],
  exports: [OverviewService],
})
export class OverviewModule {}
