import { Controller, Get } from '@nestjs/common';
import { Overview } from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers } from '../openapi/contract.ts';
import { OverviewService } from './overview.service.ts';

@Controller('v1/overview')
export class OverviewController {
  constructor(private readonly overview: OverviewService) {}

  @Get()
  @Requires('overview:read')
  @Answers('The organisation at a glance', Overview)
  read(@Caller() caller: Principal) {
    return this.overview.read(caller.organisation.id);
  }
}
