import { Controller, Get, Post } from '@nestjs/common';
import { AuditEntry, EraseAuditEntry, PageQuery, pageOf } from '@raypher/shared/rest';
import type { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { NumberParameter } from '../openapi/path-parameters.ts';
import { AuditRepository } from './audit.repository.ts';

@Controller('v1/audit')
export class AuditController {
  constructor(private readonly audit: AuditRepository) {}

  @Get()
  @Requires('audit:read')
  @Answers('What people and API tokens did, newest first', pageOf(AuditEntry))
  list(@Caller() caller: Principal, @Search(PageQuery) query: z.infer<typeof PageQuery>) {
    return this.audit.list(caller.organisation.id, query);
  }

  @Post(':id/erase')
  @Requires('audit:erase')
  @Answers('Erases what an entry says about people; that it was, and its proof, stay', AuditEntry)
  erase(
    @Caller() caller: Principal,
    @NumberParameter('id') id: number,
    @JsonBody(EraseAuditEntry) body: EraseAuditEntry,
  ) {
    return this.audit.erase(caller, id, body.reason);
  }
}
