import { Injectable, Logger } from '@nestjs/common';
import { AuditRepository } from '../audit/audit.repository.ts';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { MemberNameRepository } from './member-name.repository.ts';

/** Writes sign-ins to the audit of each organisation the person belongs to. */
@Injectable()
export class SignInAudit {
  private readonly logger = new Logger('SignIn');

  constructor(
    private readonly database: TenantDatabase,
    private readonly crossTenant: CrossTenantRepository,
    private readonly members: MemberNameRepository,
    private readonly audit: AuditRepository,
  ) {}

  /** Never fails a sign-in: the console must stay reachable when the audit table is the thing that is broken. */
  async signedIn(session: { userId: string; address: string }): Promise<void> {
    try {
      for (const { organisationId } of await this.crossTenant.memberships(session.userId)) {
        await this.database.within(organisationId, async (tx) => {
          const member = await this.members.find(tx, session.userId);
          await this.audit.record(
            tx,
            organisationId,
            { kind: 'user', id: session.userId, ...member, address: session.address },
            { action: 'session.start', target: member.email },
          );
        });
      }
    } catch (error) {
      this.logger.error(`A sign-in could not be written to the audit: ${String(error)}`);
    }
  }
}
