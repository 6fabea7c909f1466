import { Module } from '@nestjs/common';
import { IdentitySettingsService } from './identity-settings.service.ts';
import { TpmRootsService } from './tpm-roots.service.ts';

@Module({
  providers: [IdentitySettingsService, TpmRootsService],
  exports: [IdentitySettingsService, TpmRootsService],
})
export class IdentitySettingsModule {}
