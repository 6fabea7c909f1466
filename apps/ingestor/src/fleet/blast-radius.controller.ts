import { Controller, Post } from '@nestjs/common';
import { BlastRadius, BlastRadiusQuery } from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { BlastRadiusService } from './blast-radius.service.ts';

@Controller('v1/blast-radius')
export class BlastRadiusController {
  constructor(private readonly blastRadius: BlastRadiusService) {}

  @Post()
  @Requires('devices:read')
  @Answers('Whom a wide action would meet, before it is done', BlastRadius)
  preview(@Caller() caller: Principal, @JsonBody(BlastRadiusQuery) body: BlastRadiusQuery) {
    return this.blastRadius.preview(caller.organisation.id, body);
  }
}
