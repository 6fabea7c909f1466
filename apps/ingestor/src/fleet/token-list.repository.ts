import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { EnrolmentToken } from '../generated/prisma/client.ts';

/** Enrolment tokens as administrators see them; using one is the enrolment's own affair. */
@Injectable()
export class TokenListRepository {
  /** Newest first. @param after the id of the last row of the page before. */
  page(tx: TenantTransaction, after: string | undefined, limit: number): Promise<EnrolmentToken[]> {
    return tx.enrolmentToken.findMany({
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
      ...(after === undefined ? {} : { cursor: { id: after }, skip: 1 }),
    });
  }

  find(tx: TenantTransaction, id: string): Promise<EnrolmentToken | null> {
    return tx.enrolmentToken.findFirst({ where: { id } });
  }

  async revoke(tx: TenantTransaction, id: string): Promise<void> {
    await tx.enrolmentToken.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: new Date() } });
  }
}
