import { Controller, Get, Put } from '@nestjs/common';
import { PrivateRetention, UpdateRetention } from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { RetentionService } from './retention.service.ts';

@Controller('v1/settings/retention')
export class RetentionController {
  constructor(private readonly retention: RetentionService) {}

  @Get()
  @Requires('settings:read')
  @Answers('How long masked samples are kept', PrivateRetention)
  read(@Caller() caller: Principal) {
    return this.retention.read(caller.organisation.id);
  }

  @Put()
  @Requires('settings:manage')
  @Answers('Decides how long masked samples are kept, also those that are there', PrivateRetention)
  update(@Caller() caller: Principal, @JsonBody(UpdateRetention) body: UpdateRetention) {
    return this.retention.update(caller, body);
  }
}
