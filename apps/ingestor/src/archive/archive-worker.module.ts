import { Module } from '@nestjs/common';
import { ArchiveModule } from './archive.module.ts';
import { ArchiveWorker } from './archive-worker.service.ts';

/** Only part of a server: a set-up run archives nothing. */
@Module({ imports: [ArchiveModule], providers: [ArchiveWorker] })
export class ArchiveWorkerModule {}
