import { Injectable } from '@nestjs/common';
import { PriceTable } from '@raypher/cost/price-table';
import { toJson } from '../database/json.ts';
import type { TenantTransaction } from '../database/tenant-database.ts';

@Injectable()
export class PricesRepository {
  /** @returns null where the organisation has no prices of its own */
  async find(tx: TenantTransaction) {
    const row = await tx.organisationPrices.findFirst();
    if (row === null) return null;
    return { prices: PriceTable.parse(row.prices), updatedAt: row.updatedAt, updatedBy: row.updatedBy };
  }

  async put(tx: TenantTransaction, organisationId: string, prices: PriceTable, by: string): Promise<void> {
    const written = { prices: toJson(prices), updatedAt: new Date(), updatedBy: by };
    await tx.organisationPrices.upsert({
      where: { organisationId },
      create: { organisationId, ...written },
      update: written,
    });
  }
}
