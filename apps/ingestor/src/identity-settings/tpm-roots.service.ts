import { Injectable } from '@nestjs/common';
import type { PinnedRoot } from '@raypher/shared/attestation';
import type { TenantTransaction } from '../database/tenant-database.ts';

/** Whose TPMs an organisation believes. */
@Injectable()
export class TpmRootsService {
  async trusted(_tx: TenantTransaction, _organisationId: string): Promise<PinnedRoot[]> {
    return [];
  }
}
