import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.ts';
import { IncidentsModule } from '../incidents/incidents.module.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { PoliciesModule } from '../policies/policies.module.ts';
import { ChallengePruning } from './challenge-pruning.ts';
import { EventPartitions } from './event-partitions.ts';
import { ExpiringExceptions } from './expiring-exceptions.ts';
import { JobsService } from './jobs.service.ts';
import { LedgerAudits } from './ledger-audits.ts';
import { PresencePruning } from './presence-pruning.ts';
import { PrivatePurge } from './private-purge.ts';
import { SilentDevicesRepository } from './silent-devices.repository.ts';
import { SilentDevices } from './silent-devices.ts';
import { StageWatch } from './stage-watch.ts';

@Module({
  imports: [AlertsModule, IncidentsModule, LedgerModule, PoliciesModule],
  providers: [
    ChallengePruning,
    EventPartitions,
    ExpiringExceptions,
    JobsService,
    LedgerAudits,
    PresencePruning,
    PrivatePurge,
    SilentDevices,
    SilentDevicesRepository,
    StageWatch,
  ],
})
export class JobsModule {}
