import { Module } from '@nestjs/common';
import { ForensicKeysModule } from '../forensics/forensic-keys.module.ts';
import { PricesModule } from '../spend/prices.module.ts';
import { ApplyService } from './apply.service.ts';
import { PoliciesController } from './policies.controller.ts';
import { PoliciesRepository } from './policies.repository.ts';
import { PoliciesService } from './policies.service.ts';
import { ReplayRepository } from './replay.repository.ts';
import { ReplayService } from './replay.service.ts';

@Module({
  imports: [PricesModule, ForensicKeysModule],
  controllers: [PoliciesController],
  providers: [ApplyService, PoliciesRepository, PoliciesService, ReplayRepository, ReplayService],
  exports: [PoliciesRepository, PoliciesService],
})
export class PoliciesModule {}
