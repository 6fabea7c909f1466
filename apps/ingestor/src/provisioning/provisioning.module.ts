import { Module } from '@nestjs/common';
import { ArtefactsController } from './artefacts.controller.ts';
import { ArtefactsService } from './artefacts.service.ts';
import { PackagesController } from './packages.controller.ts';
import { PackagesService } from './packages.service.ts';

/** How machines become devices: what they install, and what makes them do it. */
@Module({
  controllers: [ArtefactsController, PackagesController],
  providers: [ArtefactsService, PackagesService],
})
export class ProvisioningModule {}
