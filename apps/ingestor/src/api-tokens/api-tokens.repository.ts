import { Injectable } from '@nestjs/common';
import { type ApiToken, Permission } from '@raypher/shared/rest';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { ApiToken as ApiTokenRow } from '../generated/prisma/client.ts';

@Injectable()
export class ApiTokensRepository {
  constructor(private readonly database: TenantDatabase) {}

  page(
    organisationId: string,
    before: { createdAt: string; id: string } | undefined,
    limit: number,
  ): Promise<ApiTokenRow[]> {
    return this.database.within(organisationId, (tx) =>
      tx.apiToken.findMany({
        ...(before === undefined
          ? {}
          : {
              where: {
                OR: [
                  { createdAt: { lt: before.createdAt } },
                  { createdAt: before.createdAt, id: { lt: before.id } },
                ],
              },
            }),
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        take: limit + 1,
      }),
    );
  }

  find(tx: TenantTransaction, id: string): Promise<ApiTokenRow | null> {
    return tx.apiToken.findFirst({ where: { id } });
  }

  insert(
    tx: TenantTransaction,
    organisationId: string,
    token: {
      name: string;
      secretHash: Buffer<ArrayBuffer>;
      scopes: Permission[];
      createdBy: string;
      expiresAt: Date;
    },
  ): Promise<ApiTokenRow> {
    // The cursor of the list has milliseconds, so the column gets no more than that.
    return tx.apiToken.create({ data: { organisationId, ...token, createdAt: new Date() } });
  }

  async revoke(tx: TenantTransaction, id: string): Promise<void> {
    await tx.apiToken.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: new Date() } });
  }
}

export function showApiToken(row: ApiTokenRow): ApiToken {
  return {
    id: row.id,
    name: row.name,
    scopes: Permission.options.filter((permission) => row.scopes.includes(permission)),
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  };
}
