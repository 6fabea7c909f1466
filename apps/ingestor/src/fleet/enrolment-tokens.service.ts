import { Inject, Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { CreateEnrolmentToken, EnrolmentToken } from '@raypher/shared/rest';
import { z } from 'zod';
import { type Actor, AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { TokenService } from '../enrollment/token.service.ts';
import type { EnrolmentToken as TokenRow } from '../generated/prisma/client.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { TeamsRepository } from '../tenancy/teams.repository.ts';
import { serverAddress } from './server-address.ts';
import { TokenListRepository } from './token-list.repository.ts';

@Injectable()
export class EnrolmentTokensService {
  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly database: TenantDatabase,
    private readonly tokens: TokenService,
    private readonly listed: TokenListRepository,
    private readonly teams: TeamsRepository,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  async list(organisationId: string, query: { cursor?: string | undefined; limit: number }) {
    const after = query.cursor === undefined ? undefined : decodeCursor(z.uuid(), query.cursor);
    const { rows, names } = await this.database.within(organisationId, async (tx) => ({
      rows: await this.listed.page(tx, after, query.limit),
      names: await this.teams.names(tx),
    }));
    return toPage(
      rows,
      query.limit,
      (row) => showToken(row, names),
      (row) => row.id,
    );
  }

  async create(caller: Principal, input: CreateEnrolmentToken) {
    const { row, token, names } = await this.mint(caller.organisation.id, caller, labelOf(caller), input);
    this.changes.announce(caller.organisation.id, 'enrolment-tokens', 'audit');
    const server = serverAddress(this.config);
    return {
      enrolmentToken: showToken(row, names),
      token,
      server,
      // In the environment: everybody on a machine can read arguments.
      command: `RAYPHER_ENROLMENT_TOKEN=${token} raypher enroll --server ${server}`,
    };
  }

  /** Makes a token and writes it to the audit; the set-up of the first device uses it too. */
  mint(organisationId: string, actor: Actor, createdBy: string, input: CreateEnrolmentToken) {
    return this.database.within(organisationId, async (tx) => {
      const names = await this.teams.names(tx);
      if (input.teamId !== null && !names.has(input.teamId)) {
        throw new RaypherError('request/invalid', 'There is no such team in this organisation.');
      }
      const { name, teamId, maxUses } = input;
      const expiresAt = new Date(Date.now() + input.expiresInMinutes * 60_000);
      const { row, token } = await this.tokens.create(tx, organisationId, {
        name,
        teamId,
        maxUses,
        expiresAt,
        createdBy,
      });
      await this.audit.record(tx, organisationId, actor, {
        action: 'enrolment-token.create',
        target: name,
        before: null,
        after: { id: row.id, teamId, maxUses, expiresAt: expiresAt.toISOString() },
      });
      return { row, token, names };
    });
  }

  async revoke(caller: Principal, id: string): Promise<void> {
    const organisationId = caller.organisation.id;
    await this.database.within(organisationId, async (tx) => {
      const row = await this.listed.find(tx, id);
      if (row === null) throw new RaypherError('request/not-found', 'There is no such enrolment token.');
      if (row.revokedAt !== null) return;
      await this.listed.revoke(tx, id);
      await this.audit.record(tx, organisationId, caller, {
        action: 'enrolment-token.revoke',
        target: row.name,
        before: { id, revoked: false },
        after: { id, revoked: true },
      });
    });
    this.changes.announce(organisationId, 'enrolment-tokens', 'audit');
  }
}

function showToken(row: TokenRow, teamNames: ReadonlyMap<string, string>): EnrolmentToken {
  const teamName = row.teamId === null ? undefined : teamNames.get(row.teamId);
  return {
    id: row.id,
    name: row.name,
    team: row.teamId === null || teamName === undefined ? null : { id: row.teamId, name: teamName },
    maxUses: row.maxUses,
    uses: row.uses,
    expiresAt: row.expiresAt.toISOString(),
    revokedAt: row.revokedAt?.toISOString() ?? null,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    state: stateOf(row),
  };
}

function stateOf(row: TokenRow): EnrolmentToken['state'] {
  if (row.revokedAt !== null) return 'revoked';
  if (row.uses >= row.maxUses) return 'exhausted';
  return row.expiresAt.getTime() <= Date.now() ? 'expired' : 'usable';
}
