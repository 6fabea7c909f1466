import { Controller, Delete, Get, Post } from '@nestjs/common';
import { ApiToken, CreateApiToken, CreatedApiToken, PageQuery, pageOf } from '@raypher/shared/rest';
import type { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { ApiTokensService } from './api-tokens.service.ts';

@Controller('v1/api-tokens')
export class ApiTokensController {
  constructor(private readonly tokens: ApiTokensService) {}

  @Get()
  @Requires('api-tokens:manage')
  @Answers('API tokens, newest first', pageOf(ApiToken))
  list(@Caller() caller: Principal, @Search(PageQuery) query: z.infer<typeof PageQuery>) {
    return this.tokens.list(caller.organisation.id, query);
  }

  @Post()
  @Requires('api-tokens:manage')
  @Answers('Makes an API token; it is shown once', CreatedApiToken, 201)
  create(@Caller() caller: Principal, @JsonBody(CreateApiToken) body: CreateApiToken) {
    return this.tokens.create(caller, body);
  }

  @Delete(':id')
  @Requires('api-tokens:manage')
  @Answers('Revokes an API token at once', null, 204)
  async revoke(@Caller() caller: Principal, @IdParameter('id') id: string): Promise<void> {
    await this.tokens.revoke(caller, id);
  }
}
