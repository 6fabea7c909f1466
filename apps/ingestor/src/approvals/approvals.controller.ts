import { Controller, Get, Post } from '@nestjs/common';
import { Approval, ApprovalQuery, DecideApproval, pageOf } from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { ApprovalsService } from './approvals.service.ts';

@Controller('v1/approvals')
export class ApprovalsController {
  constructor(private readonly approvals: ApprovalsService) {}

  @Get()
  @Requires('approvals:read')
  @Answers('Questions of AI agents: those that wait, then those that ended', pageOf(Approval))
  list(@Caller() caller: Principal, @Search(ApprovalQuery) query: ApprovalQuery) {
    return this.approvals.list(caller, query);
  }

  @Get(':id')
  @Requires('approvals:read')
  @Answers('One question, what people said and how it ended', Approval)
  read(@Caller() caller: Principal, @IdParameter('id') id: string) {
    return this.approvals.read(caller, id);
  }

  @Post(':id/decide')
  @Requires('approvals:decide')
  @Answers("Counts a person's answer; the device is told when enough people have answered", Approval)
  decide(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(DecideApproval) body: DecideApproval,
  ) {
    return this.approvals.decide(caller, id, body);
  }
}
