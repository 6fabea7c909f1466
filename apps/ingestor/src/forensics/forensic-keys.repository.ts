import { Injectable } from '@nestjs/common';
import type { ForensicRecipient } from '@raypher/shared';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { ForensicKey } from '../generated/prisma/client.ts';

@Injectable()
export class ForensicKeysRepository {
  find(tx: TenantTransaction): Promise<ForensicKey | null> {
    return tx.forensicKey.findFirst();
  }

  /** @returns null where the organisation has no key */
  async recipient(tx: TenantTransaction): Promise<ForensicRecipient | null> {
    const row = await this.find(tx);
    return row === null ? null : { keyId: row.keyId, publicKey: row.publicKey };
  }

  async put(
    tx: TenantTransaction,
    organisationId: string,
    key: ForensicRecipient,
    by: string,
  ): Promise<void> {
    const written = { ...key, updatedAt: new Date(), updatedBy: by };
    await tx.forensicKey.upsert({
      where: { organisationId },
      create: { organisationId, ...written },
      update: written,
    });
  }
}
