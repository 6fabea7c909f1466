import { Controller, Get, Post } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { CreateTeam, PageQuery, pageOf, Team } from '@raypher/shared/rest';
import { z } from 'zod';
import { AuditRepository } from '../audit/audit.repository.ts';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { showTeam, TeamsRepository } from './teams.repository.ts';

@Controller('v1/teams')
export class TeamsController {
  constructor(
    private readonly database: TenantDatabase,
    private readonly teams: TeamsRepository,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  @Get()
  @Requires('teams:read')
  @Answers('Teams by name', pageOf(Team))
  async list(@Caller() caller: Principal, @Search(PageQuery) query: z.infer<typeof PageQuery>) {
    const after = query.cursor === undefined ? undefined : decodeCursor(z.string(), query.cursor);
    const rows = await this.teams.page(caller.organisation.id, after, query.limit);
    return toPage(rows, query.limit, showTeam, (row) => row.name);
  }

  @Post()
  @Requires('teams:manage')
  @Answers('Creates a team', Team, 201)
  async create(@Caller() caller: Principal, @JsonBody(CreateTeam) body: CreateTeam): Promise<Team> {
    const organisationId = caller.organisation.id;
    const team = await this.database.within(organisationId, async (tx) => {
      const id = await this.teams.insert(tx, organisationId, body.name);
      if (id === undefined)
        throw new RaypherError('request/conflict', `There is a team ${body.name} already.`);
      const created = { id, name: body.name };
      await this.audit.record(tx, organisationId, caller, {
        action: 'team.create',
        target: body.name,
        before: null,
        after: created,
      });
      return created;
    });
    this.changes.announce(organisationId, 'teams', 'audit');
    return { ...team, devices: 0, members: 0 };
  }
}
