import { Injectable } from '@nestjs/common';
import { TenantDatabase } from '../database/tenant-database.ts';
import { ArchiveCursorsRepository } from './archive-cursors.repository.ts';
import { archiveFolder } from './archive-layout.ts';
import { ArchiveSettingsRepository } from './archive-settings.repository.ts';
import type { ArchiveStore } from './archive-store.ts';

/** Puts what is archived under the legal holds of its organisation. New objects come with theirs. */
@Injectable()
export class ArchiveHolds {
  constructor(
    private readonly database: TenantDatabase,
    private readonly cursors: ArchiveCursorsRepository,
    private readonly settings: ArchiveSettingsRepository,
  ) {}

  /** @returns how many objects were changed; it begins again from the start when it was interrupted. */
  async follow(organisationId: string, store: ArchiveStore): Promise<number> {
    const { cursor, held } = await this.database.within(organisationId, async (tx) => ({
      cursor: await this.cursors.find(tx, organisationId),
      held: await this.settings.isHeld(tx, organisationId),
    }));
    if (cursor === undefined || cursor.held === held) return 0;
    let changed = 0;
    for await (const name of store.list(archiveFolder(organisationId))) {
      await store.hold(name, held);
      changed += 1;
    }
    await this.database.within(organisationId, (tx) => this.cursors.change(tx, organisationId, { held }));
    return changed;
  }
}
