import { Module } from '@nestjs/common';
import { FreezesModule } from '../freeze/freezes.module.ts';
import { PoliciesModule } from '../policies/policies.module.ts';
import { AiAgentsController } from './ai-agents.controller.ts';
import { AiAgentsRepository } from './ai-agents.repository.ts';
import { BlastRadiusController } from './blast-radius.controller.ts';
import { BlastRadiusService } from './blast-radius.service.ts';
import { DeviceDecisionsService } from './device-decisions.service.ts';
import { DevicesController } from './devices.controller.ts';
import { DevicesRepository } from './devices.repository.ts';
import { DevicesService } from './devices.service.ts';
import { EnrolmentTokensController } from './enrolment-tokens.controller.ts';
import { EnrolmentTokensService } from './enrolment-tokens.service.ts';
import { TokenListRepository } from './token-list.repository.ts';

@Module({
  imports: [PoliciesModule, FreezesModule],
  controllers: [AiAgentsController, BlastRadiusController, DevicesController, EnrolmentTokensController],
  providers: [
    AiAgentsRepository,
    BlastRadiusService,
    DeviceDecisionsService,
    DevicesRepository,
    DevicesService,
    EnrolmentTokensService,
    TokenListRepository,
  ],
  exports: [DevicesService, EnrolmentTokensService],
})
export class FleetModule {}
