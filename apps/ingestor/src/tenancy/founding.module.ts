import { Module } from '@nestjs/common';
import { PoliciesModule } from '../policies/policies.module.ts';
import { FoundingService } from './founding.service.ts';
import { OrganisationsRepository } from './organisations.repository.ts';

@Module({
  imports: [PoliciesModule],
  providers: [FoundingService, OrganisationsRepository],
  exports: [FoundingService],
})
export class FoundingModule {}
