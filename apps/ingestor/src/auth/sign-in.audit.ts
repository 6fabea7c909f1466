import { Injectable, Logger } from '@nestjs/common';
import {
  type Actor,
  AuditRepository,
  type Change,
  SYSTEM,
  type SystemActor,
} from '../audit/audit.repository.ts';
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
      ? 'Too many attempts: further ones are refused for a while, but in browsers that were signed in before.'
      : 'Wrong password.';
    return this.record(userId, { action: 'session.refuse', reason }, { ...SYSTEM, address });
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
    return this.record(userId, { action: 'password.reset' }, SYSTEM);
  }

  /**
   * Never fails a sign-in or its end: the console must stay reachable when the audit table is the thing that is broken.
   *
   * @param by the address of the person, or who it was instead.
   */
  private async record(
    userId: string,
    change: Omit<Change, 'target'>,
    by: string | SystemActor,
  ): Promise<void> {
    try {
      for (const { organisationId } of await this.crossTenant.memberships(userId)) {
        await this.database.within(organisationId, async (tx) => {
          const member = await this.members.find(tx, userId);
          const actor: Actor =
            typeof by === 'string' ? { kind: 'user', id: userId, ...member, address: by } : by;
          await this.audit.record(tx, organisationId, actor, { ...change, target: member.email });
        });
      }
    } catch (error) {
      this.logger.error(`${change.action} could not be written to the audit: ${String(error)}`);
    }
  }
}
