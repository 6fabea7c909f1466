import { Controller, Get } from '@nestjs/common';
import { AuditEntry, PageQuery, pageOf } from '@raypher/shared/rest';
import type { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, Search } from '../openapi/contract.ts';
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
}
