import { Module } from '@nestjs/common';
import { IdentitySettingsController } from './identity-settings.controller.ts';
import { IdentitySettingsService } from './identity-settings.service.ts';
import { TpmRootsRepository } from './tpm-roots.repository.ts';
import { TpmRootsService } from './tpm-roots.service.ts';

@Module({
  controllers: [IdentitySettingsController],
  providers: [IdentitySettingsService, TpmRootsRepository, TpmRootsService],
  exports: [IdentitySettingsService, TpmRootsService],
})
export class IdentitySettingsModule {}
