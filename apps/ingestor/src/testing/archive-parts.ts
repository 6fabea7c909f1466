import { ArchiveCheck } from '../archive/archive-check.service.ts';
import { ArchiveCursorsRepository } from '../archive/archive-cursors.repository.ts';
import { ArchiveEntries } from '../archive/archive-entries.service.ts';
import { ArchiveSettingsRepository } from '../archive/archive-settings.repository.ts';
import { ArchiveSourceRepository } from '../archive/archive-source.repository.ts';
import { Archiver } from '../archive/archiver.service.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LogsRepository } from '../ledger/logs.repository.ts';
import { TilesRepository } from '../ledger/tiles.repository.ts';

/** The archive's services on a database, without the program around them. */
export interface ArchiveParts {
  database: TenantDatabase;
  cursors: ArchiveCursorsRepository;
  settings: ArchiveSettingsRepository;
  archiver: Archiver;
  check: ArchiveCheck;
  entries: ArchiveEntries;
}

/** @param connectionString as raypher_app */
export function archiveParts(connectionString: string): ArchiveParts {
  const database = new TenantDatabase({ connectionString });
  const [cursors, source, settings] = [
    new ArchiveCursorsRepository(),
    new ArchiveSourceRepository(),
    new ArchiveSettingsRepository(),
  ];
  const [logs, tiles] = [new LogsRepository(), new TilesRepository()];
  return {
    database,
    cursors,
    settings,
    archiver: new Archiver(database, cursors, source, settings, logs, tiles),
    check: new ArchiveCheck(database, cursors, source, logs, tiles),
    entries: new ArchiveEntries(database, cursors, source, tiles),
  };
}
