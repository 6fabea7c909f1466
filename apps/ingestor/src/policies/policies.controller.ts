import { Controller, Get, Post, Put } from '@nestjs/common';
import {
  AppliedPolicy,
  ApplyPolicy,
  ApplyQuery,
  CheckedPolicy,
  CheckPolicy,
  DeployPolicy,
  PageQuery,
  PolicyRevision,
  PromoteStage,
  pageOf,
  ReplayedPolicy,
  ReplayPolicy,
  RollbackPolicy,
  Rollout,
  RunningPolicy,
  WithdrawStage,
} from '@raypher/shared/rest';
import { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { NumberParameter } from '../openapi/path-parameters.ts';
import { ApplyService } from './apply.service.ts';
import { PoliciesRepository } from './policies.repository.ts';
import { PoliciesService } from './policies.service.ts';
import { checkPolicy } from './policy-check.ts';
import { showRevision } from './policy-revision.view.ts';
import { ReplayService } from './replay.service.ts';

const RevisionKey = z.number().int().min(1);

@Controller('v1/policies')
export class PoliciesController {
  constructor(
    private readonly policies: PoliciesService,
    private readonly repository: PoliciesRepository,
    private readonly applying: ApplyService,
    private readonly replays: ReplayService,
  ) {}

  @Get('running')
  @Requires('policies:read')
  @Answers(
    'The revision that devices should be running, what some devices have instead, and drift',
    RunningPolicy,
  )
  running(@Caller() caller: Principal) {
    return this.policies.running(caller.organisation.id);
  }

  @Get('revisions')
  @Requires('policies:read')
  @Answers('Every revision, newest first', pageOf(PolicyRevision))
  async revisions(@Caller() caller: Principal, @Search(PageQuery) query: z.infer<typeof PageQuery>) {
    const before = query.cursor === undefined ? undefined : decodeCursor(RevisionKey, query.cursor);
    const { rows, digests, running } = await this.repository.page(
      caller.organisation.id,
      before,
      query.limit,
    );
    return toPage(
      rows,
      query.limit,
      (row) => showRevision(row, digests, running),
      (row) => Number(row.revision),
    );
  }

  @Get('revisions/:revision')
  @Requires('policies:read')
  @Answers('One revision', PolicyRevision)
  revision(@Caller() caller: Principal, @NumberParameter('revision') revision: number) {
    return this.policies.revision(caller.organisation.id, revision);
  }

  @Post('check')
  @Requires('policies:read')
  @Answers('Checks documents without deploying them', CheckedPolicy)
  check(@JsonBody(CheckPolicy) body: z.infer<typeof CheckPolicy>) {
    return checkPolicy(body.documents);
  }

  @Post('replay')
  @Requires('policies:deploy')
  @Answers('What these documents would have changed, over recorded events', ReplayedPolicy)
  replay(@Caller() caller: Principal, @JsonBody(ReplayPolicy) body: ReplayPolicy) {
    return this.replays.replay(caller, body);
  }

  @Put()
  @Requires('policies:deploy')
  @Answers(
    'Makes what a repository holds the running policy; with dry_run=true only says what would change',
    AppliedPolicy,
  )
  apply(
    @Caller() caller: Principal,
    @JsonBody(ApplyPolicy) body: ApplyPolicy,
    @Search(ApplyQuery) query: z.infer<typeof ApplyQuery>,
  ) {
    return this.applying.apply(caller, body, query.dry_run === 'true');
  }

  @Post('deploy')
  @Requires('policies:deploy')
  @Answers(
    'Makes these documents the running policy of the whole organisation, or of some devices first',
    Rollout,
    201,
  )
  deploy(@Caller() caller: Principal, @JsonBody(DeployPolicy) body: DeployPolicy) {
    return this.policies.deploy(caller, body);
  }

  @Post('stage/promote')
  @Requires('policies:deploy')
  @Answers('Gives a staged revision to more devices, or to all', Rollout, 201)
  promote(@Caller() caller: Principal, @JsonBody(PromoteStage) body: PromoteStage) {
    return this.policies.promote(caller, body);
  }

  @Post('stage/withdraw')
  @Requires('policies:deploy')
  @Answers('Brings devices that have a staged revision back to what all others run', Rollout, 201)
  withdraw(@Caller() caller: Principal, @JsonBody(WithdrawStage) body: WithdrawStage) {
    return this.policies.withdraw(caller, body);
  }

  @Post('rollback')
  @Requires('policies:deploy')
  @Answers('Deploys the documents of an earlier revision as a new one', Rollout, 201)
  rollback(@Caller() caller: Principal, @JsonBody(RollbackPolicy) body: RollbackPolicy) {
    return this.policies.rollback(caller, body);
  }
}
