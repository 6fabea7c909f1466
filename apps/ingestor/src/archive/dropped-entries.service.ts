import { Injectable } from '@nestjs/common';
import { decodeEntryBundle, entryBundlePath, TILE_WIDTH } from '@raypher/ledger';
import { TenantDatabase } from '../database/tenant-database.ts';
import { ArchiveCursorsRepository } from './archive-cursors.repository.ts';
import { archiveFolder, bundleOf } from './archive-layout.ts';
import { ArchivePlace } from './archive-place.ts';
import { ArchiveSettingsRepository } from './archive-settings.repository.ts';

/** Gives entries that have left the database to who reads the record, as if they were still there. */
@Injectable()
export class DroppedEntries {
  constructor(
    private readonly database: TenantDatabase,
    private readonly place: ArchivePlace,
    private readonly cursors: ArchiveCursorsRepository,
    private readonly settings: ArchiveSettingsRepository,
  ) {}

  /**
   * Puts what the archive has in the place of entries without bytes. They are not checked here: whoever reads them
   * holds them to the log, as all others. What was never dropped stays missing.
   *
   * @param index of the first
   * @throws RaypherError `archive/…` when the archive cannot be asked: what is there is then not known
   */
  async fill(organisationId: string, index: number, entries: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const filled = [...entries];
    if (entries.every(({ length }) => length > 0)) return filled;
    const { end, size } = await this.database.within(organisationId, async (tx) => ({
      end: await this.settings.droppedEnd(tx),
      size: (await this.cursors.find(tx, organisationId))?.checkedSize ?? 0,
    }));
    let bundle: { index: number; entries: Uint8Array[] } | undefined;
    for (const [at, bytes] of entries.entries()) {
      const wanted = index + at;
      if (bytes.length > 0 || wanted >= Math.min(end, size)) continue;
      const { index: number, width } = bundleOf(wanted, size);
      if (bundle?.index !== number) {
        bundle = { index: number, entries: await this.read(organisationId, number, width) };
      }
      filled[at] = bundle.entries[wanted - number * TILE_WIDTH] ?? bytes;
    }
    return filled;
  }

  private async read(organisationId: string, index: number, width: number): Promise<Uint8Array[]> {
    const name = `${archiveFolder(organisationId)}${entryBundlePath(index, width)}`;
    const bytes = await this.place.require().read(name);
    try {
      return bytes === undefined ? [] : decodeEntryBundle(bytes);
    } catch {
      return [];
    }
  }
}
