import type { ArchiveConfig } from './archive-config.ts';
import type { ArchiveStore } from './archive-store.ts';
import { FolderStore } from './folder-store.ts';
import { S3Store } from './s3-store.ts';

/** The place that the installation is configured for; undefined when there is none. */
export function openArchive(config: ArchiveConfig | undefined): ArchiveStore | undefined {
  switch (config?.kind) {
    case 'folder':
      return new FolderStore(config.directory);
    case 's3':
      return new S3Store(config);
    case undefined:
      return undefined;
  }
}
