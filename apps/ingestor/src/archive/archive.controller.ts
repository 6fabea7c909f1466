import { Controller, Get, Post } from '@nestjs/common';
import { ArchivedEntries, ArchivedEntry, ArchivedRange, ArchiveStatus } from '@raypher/shared/rest';
import { AuditNotes } from '../audit/audit-notes.service.ts';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, Search } from '../openapi/contract.ts';
import { IndexParameter } from '../openapi/path-parameters.ts';
import { ArchiveEntries } from './archive-entries.service.ts';
import { ArchivePlace } from './archive-place.ts';
import { ArchiveQueue } from './archive-queue.ts';
import { ArchiveStatusReader } from './archive-status.service.ts';

@Controller('v1/ledger/archive')
export class ArchiveController {
  constructor(
    private readonly place: ArchivePlace,
    private readonly status: ArchiveStatusReader,
    private readonly queue: ArchiveQueue,
    private readonly entries: ArchiveEntries,
    private readonly notes: AuditNotes,
  ) {}

  @Get()
  @Requires('settings:read')
  @Answers('Where the archive is, how far it reaches, and when it was verified', ArchiveStatus)
  read(@Caller() caller: Principal) {
    return this.status.read(caller.organisation.id);
  }

  @Post('run')
  @Requires('settings:manage')
  @Answers('Archives all that is signed, soon', null, 202)
  async run(@Caller() caller: Principal): Promise<void> {
    this.place.require();
    await this.notes.write(caller, { action: 'archive.run', target: 'the archive' });
    await this.queue.ask('archive', caller.organisation.id);
  }

  @Post('verify')
  @Requires('settings:manage')
  @Answers('Reads all of the archive back and verifies it, soon', null, 202)
  async verify(@Caller() caller: Principal): Promise<void> {
    this.place.require();
    await this.notes.write(caller, { action: 'archive.verify', target: 'the archive' });
    await this.queue.ask('verify', caller.organisation.id);
  }

  @Get('entries')
  @Requires('ledger:read')
  @Answers('Entries of the archive in their order, each held to the log before it is shown', ArchivedEntries)
  range(@Caller() caller: Principal, @Search(ArchivedRange) query: ArchivedRange) {
    return this.entries.range(caller.organisation.id, this.place.require(), query);
  }

  @Get('entries/:index')
  @Requires('ledger:read')
  @Answers('An entry as the archive has it, proven to be in the log before it is shown', ArchivedEntry)
  entry(@Caller() caller: Principal, @IndexParameter('index') index: number) {
    return this.entries.read(caller.organisation.id, this.place.require(), index);
  }
}
