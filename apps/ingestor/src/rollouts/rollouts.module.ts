import { Global, Module } from '@nestjs/common';
import { RolloutsController } from './rollouts.controller.ts';
import { RolloutsRepository } from './rollouts.repository.ts';
import { RolloutsService } from './rollouts.service.ts';
import { StateBundlesRepository } from './state-bundles.repository.ts';
import { StateIssuer } from './state-issuer.service.ts';

@Global()
@Module({
  controllers: [RolloutsController],
  providers: [RolloutsRepository, RolloutsService, StateBundlesRepository, StateIssuer],
  exports: [RolloutsService, StateBundlesRepository, StateIssuer],
})
export class RolloutsModule {}
