import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principal.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { AuditRepository, type Change } from './audit.repository.ts';

/** Entries about what changes nothing in the database: something was handed out, or asked for. Written before it is done. */
@Injectable()
export class AuditNotes {
  constructor(
    private readonly database: TenantDatabase,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  /** @throws RaypherError `auth/forbidden` as {@link AuditRepository.record} does */
  async write(caller: Principal, change: Change): Promise<void> {
    const { id } = caller.organisation;
    await this.database.within(id, (tx) => this.audit.record(tx, id, caller, change));
    this.changes.announce(id, 'audit');
  }
}
