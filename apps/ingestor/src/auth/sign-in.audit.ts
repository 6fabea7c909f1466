import { Injectable, Logger } from '@nestjs/common';
import { type Actor, AuditRepository, type Change, SYSTEM } from '../audit/audit.repository.ts';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { MemberNameRepository } from './member-name.repository.ts';

/** Writes what happens to a person's sign-in to the audit of each organisation the person belongs to. */
@Injectable()
export class SignInAudit {
  private readonly logger = new Logger('SignIn');

  constructor(
    private readonly database: TenantDatabase,
    private readonly crossTenant: CrossTenantRepository,
    private readonly members: MemberNameRepository,
    private readonly audit: AuditRepository,
  ) {}

  signedIn({ userId, address }: { userId: string; address: string }): Promise<void> {
    return this.record(userId, { action: 'session.start' }, address);
  }

  /** Not the person, as far as anybody knows. */
  refused(attempt: { userId: string; address: string; isLast: boolean }): Promise<void> {
    const { userId, address, isLast } = attempt;
    const reason = isLast
      ? `From ${address}. Further attempts are refused for a while, but in browsers that were signed in before.`
      : `From ${address}.`;
    return this.record(userId, { action: 'session.refuse', reason }, undefined);
  }

  signedOut(end: { userId: string; address: string; sessions: number; reason: string }): Promise<void> {
    const { userId, address, sessions, reason } = end;
    return this.record(userId, { action: 'session.end', reason, after: { sessions } }, address);
  }

  passwordChanged({ userId, address }: { userId: string; address: string }): Promise<void> {
    return this.record(userId, { action: 'password.change' }, address);
  }

  /** By somebody at the machine itself, without the old one. */
  passwordReset(userId: string): Promise<void> {
    return this.record(userId, { action: 'password.reset' }, undefined);
  }

  /**
   * Never fails a sign-in or its end: the console must stay reachable when the audit table is the thing that is broken.
   *
   * @param address of the person; undefined when it was not the person.
   */
  private async record(
    userId: string,
    change: Omit<Change, 'target'>,
    address: string | undefined,
  ): Promise<void> {
    try {
      for (const { organisationId } of await this.crossTenant.memberships(userId)) {
        await this.database.within(organisationId, async (tx) => {
          const member = await this.members.find(tx, userId);
          const actor: Actor =
            address === undefined ? SYSTEM : { kind: 'user', id: userId, ...member, address };
          await this.audit.record(tx, organisationId, actor, { ...change, target: member.email });
        });
      }
    } catch (error) {
      this.logger.error(`${change.action} could not be written to the audit: ${String(error)}`);
    }
  }
}
