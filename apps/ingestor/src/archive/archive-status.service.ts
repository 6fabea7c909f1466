import { Injectable } from '@nestjs/common';
import type { ArchiveStatus } from '@raypher/shared/rest';
import { TenantDatabase } from '../database/tenant-database.ts';
import { ArchiveCursorsRepository } from './archive-cursors.repository.ts';
import { ArchivePlace } from './archive-place.ts';
import { ArchiveSourceRepository } from './archive-source.repository.ts';

/** What there is to say about an organisation's archive. */
@Injectable()
export class ArchiveStatusReader {
  constructor(
    private readonly database: TenantDatabase,
    private readonly place: ArchivePlace,
    private readonly cursors: ArchiveCursorsRepository,
    private readonly source: ArchiveSourceRepository,
  ) {}

  read(organisationId: string): Promise<ArchiveStatus> {
    return this.database.within(organisationId, async (tx) => {
      const cursor = await this.cursors.find(tx, organisationId);
      const destination = this.place.store?.destination ?? null;
      return {
        destination,
        state: destination === null ? 'not-configured' : (cursor?.state ?? 'ok'),
        problem: cursor?.problem ?? null,
        logSize: await this.source.newestSize(tx),
        archivedSize: cursor?.size ?? 0,
        archivedAt: cursor?.archivedAt?.toISOString() ?? null,
        checkedSize: cursor?.checkedSize ?? 0,
        checkedAt: cursor?.checkedAt?.toISOString() ?? null,
        verifiedSize: cursor?.verifiedSize ?? 0,
        verifiedAt: cursor?.verifiedAt?.toISOString() ?? null,
      };
    });
  }
}
