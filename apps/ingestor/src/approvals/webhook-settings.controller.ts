import { Controller, Get, Put } from '@nestjs/common';
import { ApprovalSettings, UpdateApprovalSettings, UpdatedApprovalSettings } from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { WebhookSettings } from './webhook-settings.service.ts';

@Controller('v1/settings/approvals')
export class WebhookSettingsController {
  constructor(private readonly settings: WebhookSettings) {}

  @Get()
  @Requires('settings:read')
  @Answers('Which chat service is told of questions; its address stays hidden', ApprovalSettings)
  read(@Caller() caller: Principal) {
    return this.settings.read(caller.organisation.id);
  }

  @Put()
  @Requires('settings:manage')
  @Answers(
    'Says which chat service is told, or none; the key that signs messages is shown once',
    UpdatedApprovalSettings,
  )
  update(@Caller() caller: Principal, @JsonBody(UpdateApprovalSettings) body: UpdateApprovalSettings) {
    return this.settings.update(caller, body);
  }
}
