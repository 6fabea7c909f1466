import { Controller, Get } from '@nestjs/common';
import { PageQuery, pageOf, Rollout, RolloutDevice, RolloutDeviceQuery } from '@raypher/shared/rest';
import type { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, Search } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { RolloutsService } from './rollouts.service.ts';

@Controller('v1/rollouts')
export class RolloutsController {
  constructor(private readonly rollouts: RolloutsService) {}

  @Get()
  @Requires('policies:read')
  @Answers('Policies and freezes on their way to devices, newest first', pageOf(Rollout))
  list(@Caller() caller: Principal, @Search(PageQuery) query: z.infer<typeof PageQuery>) {
    return this.rollouts.list(caller.organisation.id, query);
  }

  @Get(':id')
  @Requires('policies:read')
  @Answers('One rollout with its counts', Rollout)
  get(@Caller() caller: Principal, @IdParameter('id') id: string) {
    return this.rollouts.get(caller.organisation.id, id);
  }

  @Get(':id/devices')
  @Requires('policies:read')
  @Answers('The devices of a rollout, each in its phase', pageOf(RolloutDevice))
  async devices(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @Search(RolloutDeviceQuery) query: z.infer<typeof RolloutDeviceQuery>,
  ) {
    await this.rollouts.get(caller.organisation.id, id);
    return this.rollouts.devices(caller.organisation.id, id, query);
  }
}
