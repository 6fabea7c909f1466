import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.ts';
import { IncidentsModule } from '../incidents/incidents.module.ts';
import { ChallengePruning } from './challenge-pruning.ts';
import { EventPartitions } from './event-partitions.ts';
import { JobsService } from './jobs.service.ts';
import { PresencePruning } from './presence-pruning.ts';
import { PrivatePurge } from './private-purge.ts';
import { SilentDevicesRepository } from './silent-devices.repository.ts';
import { SilentDevices } from './silent-devices.ts';

@Module({
  imports: [AlertsModule, IncidentsModule],
  providers: [
    ChallengePruning,
    EventPartitions,
    JobsService,
    PresencePruning,
    PrivatePurge,
    SilentDevices,
    SilentDevicesRepository,
  ],
})
export class JobsModule {}
