import { Injectable } from '@nestjs/common';
import { TenantDatabase } from '../database/tenant-database.ts';

@Injectable()
export class ApiTokenUseRepository {
  constructor(private readonly database: TenantDatabase) {}

  async record(organisationId: string, tokenId: string): Promise<void> {
    await this.database.within(organisationId, (tx) =>
      tx.apiToken.updateMany({ where: { id: tokenId }, data: { lastUsedAt: new Date() } }),
    );
  }
}
