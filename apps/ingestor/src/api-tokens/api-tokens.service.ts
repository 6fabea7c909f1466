import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { ApiToken, CreateApiToken } from '@raypher/shared/rest';
import { z } from 'zod';
import { AuditRepository } from '../audit/audit.repository.ts';
import { mintApiToken } from '../auth/api-token.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { ApiTokensRepository, showApiToken } from './api-tokens.repository.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const TokenKey = z.tuple([z.iso.datetime(), z.uuid()]);

@Injectable()
export class ApiTokensService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly tokens: ApiTokensRepository,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  async list(organisationId: string, query: { cursor?: string | undefined; limit: number }) {
    const key = query.cursor === undefined ? undefined : decodeCursor(TokenKey, query.cursor);
    const before = key === undefined ? undefined : { createdAt: key[0], id: key[1] };
    const rows = await this.tokens.page(organisationId, before, query.limit);
    return toPage(rows, query.limit, showApiToken, (row) => [row.createdAt.toISOString(), row.id]);
  }

  /**
   * Nobody can give a token more than they have themselves, and only people make tokens: one that was made by
   * another would outlive its revocation, its expiry and the member behind it.
   */
  async create(caller: Principal, input: CreateApiToken): Promise<{ apiToken: ApiToken; token: string }> {
    if (caller.kind !== 'user') {
      throw new RaypherError('auth/forbidden', 'An API token cannot make another one.', {
        hint: 'Sign in to the console and create it there.',
      });
    }
    const missing = input.scopes.filter((scope) => !caller.permissions.has(scope));
    if (missing.length > 0) {
      throw new RaypherError('auth/forbidden', `You do not have ${missing.join(', ')} yourself.`, {
        details: { missing },
      });
    }
    const { token, hash } = mintApiToken();
    const organisationId = caller.organisation.id;
    const expiresAt = new Date(Date.now() + input.expiresInDays * DAY_MS);
    const row = await this.database.within(organisationId, async (tx) => {
      const created = await this.tokens.insert(tx, organisationId, {
        name: input.name,
        secretHash: hash,
        scopes: [...new Set(input.scopes)],
        createdBy: labelOf(caller),
        expiresAt,
      });
      await this.audit.record(tx, organisationId, caller, {
        action: 'api-token.create',
        target: input.name,
        before: null,
        after: { id: created.id, scopes: created.scopes, expiresAt: expiresAt.toISOString() },
      });
      return created;
    });
    this.changes.announce(organisationId, 'audit');
    return { apiToken: showApiToken(row), token };
  }

  async revoke(caller: Principal, id: string): Promise<void> {
    const organisationId = caller.organisation.id;
    await this.database.within(organisationId, async (tx) => {
      const row = await this.tokens.find(tx, id);
      if (row === null) throw new RaypherError('request/not-found', 'There is no such API token.');
      if (row.revokedAt !== null) return;
      await this.tokens.revoke(tx, id);
      await this.audit.record(tx, organisationId, caller, {
        action: 'api-token.revoke',
        target: row.name,
        before: { id, revoked: false },
        after: { id, revoked: true },
      });
    });
    this.changes.announce(organisationId, 'audit');
  }
}
