import { Controller, Get, Param, Patch, Post, Put } from '@nestjs/common';
import {
  AddTpmRoot,
  IdentitySettings,
  pageOf,
  TpmRoot,
  TrustTpmRoot,
  UpdateIdentitySettings,
} from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { IdentitySettingsService } from './identity-settings.service.ts';
import { TpmRootsService } from './tpm-roots.service.ts';

@Controller('v1/settings')
export class IdentitySettingsController {
  constructor(
    private readonly settings: IdentitySettingsService,
    private readonly roots: TpmRootsService,
  ) {}

  @Get('identity')
  @Requires('settings:read')
  @Answers('What happens to devices of each identity class at enrolment', IdentitySettings)
  read(@Caller() caller: Principal) {
    return this.settings.read(caller.organisation.id);
  }

  @Put('identity')
  @Requires('settings:manage')
  @Answers('Decides what happens to devices of each identity class at enrolment', IdentitySettings)
  update(@Caller() caller: Principal, @JsonBody(UpdateIdentitySettings) body: UpdateIdentitySettings) {
    return this.settings.update(caller, body);
  }

  @Get('tpm-roots')
  @Requires('settings:read')
  @Answers('Makers of TPMs whose certificates are believed', pageOf(TpmRoot))
  async list(@Caller() caller: Principal) {
    return { items: await this.roots.list(caller.organisation.id), next: null };
  }

  @Post('tpm-roots')
  @Requires('settings:manage')
  @Answers('Pins a root of the organisation', TpmRoot, 201)
  add(@Caller() caller: Principal, @JsonBody(AddTpmRoot) body: AddTpmRoot) {
    return this.roots.add(caller, body);
  }

  @Patch('tpm-roots/:fingerprint')
  @Requires('settings:manage')
  @Answers('Trusts or distrusts a root; an own one that is distrusted is removed', TpmRoot)
  trust(
    @Caller() caller: Principal,
    @Param('fingerprint') fingerprint: string,
    @JsonBody(TrustTpmRoot) body: TrustTpmRoot,
  ) {
    return this.roots.trust(caller, fingerprint, body);
  }
}
