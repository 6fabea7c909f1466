import { Inject, Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import type { ArchiveStore } from './archive-store.ts';
import { openArchive } from './open-archive.ts';

/** The place of the installation's archive. */
@Injectable()
export class ArchivePlace {
  /** Undefined when none is configured. */
  readonly store: ArchiveStore | undefined;

  constructor(@Inject(API_CONFIG) { archive }: ApiConfig) {
    this.store = openArchive(archive);
  }

  /** @throws RaypherError `archive/not-configured` */
  require(): ArchiveStore {
    if (this.store !== undefined) return this.store;
    throw new RaypherError('archive/not-configured', 'This installation has no archive.', {
      hint: 'Set RAYPHER_ARCHIVE_DIR, or the variables of an archive in S3 (docs/retention.md).',
    });
  }
}
