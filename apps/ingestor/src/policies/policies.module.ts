import { Module } from '@nestjs/common';
import { PricesModule } from '../spend/prices.module.ts';
import { PoliciesController } from './policies.controller.ts';
import { PoliciesRepository } from './policies.repository.ts';
import { PoliciesService } from './policies.service.ts';

@Module({
  imports: [PricesModule],
  controllers: [PoliciesController],
  providers: [PoliciesRepository, PoliciesService],
  exports: [PoliciesService],
})
export class PoliciesModule {}
