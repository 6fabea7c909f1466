import { Global, Module } from '@nestjs/common';
import { InstallationAuthority } from './installation-authority.ts';
import { OrganisationKeysRepository } from './organisation-keys.repository.ts';
import { OrganisationKeysService } from './organisation-keys.service.ts';
import { SigningService } from './signing.service.ts';

/** Needs the master key: only ever part of the api role. */
@Global()
@Module({
  providers: [InstallationAuthority, OrganisationKeysRepository, OrganisationKeysService, SigningService],
  exports: [InstallationAuthority, OrganisationKeysService, SigningService],
})
export class KeysModule {}
