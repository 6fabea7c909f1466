import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.ts';
import { IncidentsController } from './incidents.controller.ts';
import { IncidentsRepository } from './incidents.repository.ts';
import { IncidentsService } from './incidents.service.ts';
import { RetentionController } from './retention.controller.ts';
import { RetentionRepository } from './retention.repository.ts';
import { RetentionService } from './retention.service.ts';

@Module({
  imports: [EventsModule],
  controllers: [IncidentsController, RetentionController],
  providers: [IncidentsService, IncidentsRepository, RetentionService, RetentionRepository],
  exports: [RetentionRepository],
})
export class IncidentsModule {}
