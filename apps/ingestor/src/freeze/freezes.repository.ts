import { Injectable } from '@nestjs/common';
import type { FreezeSelector } from '@raypher/shared';
import { toJson } from '../database/json.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { FreezeRow } from './freeze.view.ts';

@Injectable()
export class FreezesRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** Active ones first, then newest first. */
  page(
    organisationId: string,
    before: { isActive: boolean; createdAt: string; id: string } | undefined,
    limit: number,
  ): Promise<FreezeRow[]> {
    const after = before ?? {
      isActive: true,
      createdAt: 'infinity',
      id: '00000000-0000-0000-0000-000000000000',
    };
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<FreezeRow[]>`
        SELECT id, selector, reason, created_by AS "createdBy", created_at AS "createdAt", thawed_by AS "thawedBy",
          thawed_at AS "thawedAt", thaw_reason AS "thawReason", rollout_id AS "rolloutId"
        FROM freezes
        WHERE (thawed_at IS NULL, date_trunc('milliseconds', created_at), id)
          < (${after.isActive}, ${after.createdAt}::timestamptz, ${after.id}::uuid)
        ORDER BY thawed_at IS NULL DESC, date_trunc('milliseconds', created_at) DESC, id DESC LIMIT ${limit + 1}`,
    );
  }

  /** Everything in force, oldest first. */
  active(tx: TenantTransaction) {
    return tx.freeze.findMany({ where: { thawedAt: null }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
  }

  find(tx: TenantTransaction, id: string) {
    return tx.freeze.findFirst({ where: { id } });
  }

  async insert(
    tx: TenantTransaction,
    organisationId: string,
    freeze: { selector: FreezeSelector; reason: string; createdBy: string },
  ): Promise<string> {
    const { id } = await tx.freeze.create({
      data: { organisationId, ...freeze, selector: toJson(freeze.selector) },
      select: { id: true },
    });
    return id;
  }

  async thaw(
    tx: TenantTransaction,
    id: string,
    thaw: { thawedBy: string; thawReason: string },
  ): Promise<void> {
    await tx.freeze.updateMany({ where: { id }, data: { ...thaw, thawedAt: new Date() } });
  }

  async carry(tx: TenantTransaction, id: string, rolloutId: string): Promise<void> {
    await tx.freeze.updateMany({ where: { id }, data: { rolloutId } });
  }
}
