import { Controller, Get, Param, Patch, Post } from '@nestjs/common';
import { CreatedMember, CreateMember, Member, PageQuery, pageOf, UpdateMember } from '@raypher/shared/rest';
import type { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { requireStorable } from '../database/storable.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { MembersService } from './members.service.ts';

@Controller('v1/members')
export class MembersController {
  constructor(private readonly members: MembersService) {}

  @Get()
  @Requires('members:read')
  @Answers('People of the organisation', pageOf(Member))
  list(@Caller() caller: Principal, @Search(PageQuery) query: z.infer<typeof PageQuery>) {
    return this.members.list(caller.organisation.id, query);
  }

  @Post()
  @Requires('members:manage')
  @Answers('Adds somebody; the password is shown once', CreatedMember, 201)
  create(@Caller() caller: Principal, @JsonBody(CreateMember) body: CreateMember) {
    return this.members.invite(caller, body);
  }

  @Patch(':userId')
  @Requires('members:manage')
  @Answers('Changes role, team or standing', Member)
  update(
    @Caller() caller: Principal,
    @Param('userId', { transform: requireStorable }) userId: string,
    @JsonBody(UpdateMember) body: UpdateMember,
  ) {
    return this.members.update(caller, userId, body);
  }
}
