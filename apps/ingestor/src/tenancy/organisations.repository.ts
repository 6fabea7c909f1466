import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';

@Injectable()
export class OrganisationsRepository {
  /** The transaction must be scoped to the id of the organisation it makes. */
  async insert(tx: TenantTransaction, id: string, name: string): Promise<void> {
    await tx.organisation.create({ data: { id, name }, select: { id: true } });
  }

  async name(tx: TenantTransaction): Promise<string | undefined> {
    return (await tx.organisation.findFirst({ select: { name: true } }))?.name;
  }
}
