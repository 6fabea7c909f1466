import { Controller, Delete, Get, Post } from '@nestjs/common';
import {
  CreatedEnrolmentToken,
  CreateEnrolmentToken,
  EnrolmentToken,
  PageQuery,
  pageOf,
} from '@raypher/shared/rest';
import type { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { EnrolmentTokensService } from './enrolment-tokens.service.ts';

@Controller('v1/enrolment-tokens')
export class EnrolmentTokensController {
  constructor(private readonly tokens: EnrolmentTokensService) {}

  @Get()
  @Requires('enrolment-tokens:read')
  @Answers('Enrolment tokens, newest first', pageOf(EnrolmentToken))
  list(@Caller() caller: Principal, @Search(PageQuery) query: z.infer<typeof PageQuery>) {
    return this.tokens.list(caller.organisation.id, query);
  }

  @Post()
  @Requires('enrolment-tokens:manage')
  @Answers('Makes an enrolment token; it is shown once', CreatedEnrolmentToken, 201)
  create(@Caller() caller: Principal, @JsonBody(CreateEnrolmentToken) body: CreateEnrolmentToken) {
    return this.tokens.create(caller, body);
  }

  @Delete(':id')
  @Requires('enrolment-tokens:manage')
  @Answers('Revokes an enrolment token; devices that used it stay', null, 204)
  async revoke(@Caller() caller: Principal, @IdParameter('id') id: string): Promise<void> {
    await this.tokens.revoke(caller, id);
  }
}
