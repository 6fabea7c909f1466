import { Controller, Get, Post } from '@nestjs/common';
import { CreateFreeze, Freeze, FreezeWithRollout, PageQuery, pageOf, ThawFreeze } from '@raypher/shared/rest';
import type { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { FreezesService } from './freezes.service.ts';

@Controller('v1/freezes')
export class FreezesController {
  constructor(private readonly freezes: FreezesService) {}

  @Get()
  @Requires('freezes:read')
  @Answers('Freezes in force, then past ones', pageOf(Freeze))
  list(@Caller() caller: Principal, @Search(PageQuery) query: z.infer<typeof PageQuery>) {
    return this.freezes.list(caller.organisation.id, query);
  }

  @Post()
  @Requires('freezes:manage')
  @Answers('Suspends the AI agents that the selector names', FreezeWithRollout, 201)
  create(@Caller() caller: Principal, @JsonBody(CreateFreeze) body: CreateFreeze) {
    return this.freezes.create(caller, body);
  }

  @Post(':id/thaw')
  @Requires('freezes:manage')
  @Answers('Lets them run again', FreezeWithRollout)
  thaw(@Caller() caller: Principal, @IdParameter('id') id: string, @JsonBody(ThawFreeze) body: ThawFreeze) {
    return this.freezes.thaw(caller, id, body);
  }
}
