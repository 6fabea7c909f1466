import { Global, Module } from '@nestjs/common';
import { ControlEntriesRepository } from '../ledger/control-entries.repository.ts';
import { AuditController } from './audit.controller.ts';
import { AuditRepository } from './audit.repository.ts';

@Global()
@Module({
  controllers: [AuditController],
  providers: [AuditRepository, ControlEntriesRepository],
  exports: [AuditRepository, ControlEntriesRepository],
})
export class AuditModule {}
