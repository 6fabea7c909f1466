import { Global, Module } from '@nestjs/common';
import { ControlEntriesRepository } from '../ledger/control-entries.repository.ts';
import { AuditController } from './audit.controller.ts';
import { AuditRepository } from './audit.repository.ts';
import { AuditNotes } from './audit-notes.service.ts';

@Global()
@Module({
  controllers: [AuditController],
  providers: [AuditNotes, AuditRepository, ControlEntriesRepository],
  exports: [AuditNotes, AuditRepository, ControlEntriesRepository],
})
export class AuditModule {}
