import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { CreateMember, Member, Role, UpdateMember } from '@raypher/shared/rest';
import { z } from 'zod';
import { type Actor, AuditRepository } from '../audit/audit.repository.ts';
import { AccountsService, generatePassword } from '../auth/accounts.service.ts';
import type { Principal } from '../auth/principal.ts';
import { SignInEvents } from '../auth/sign-in.events.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { permissionsOfTokens, requireMayGive } from './grant-authority.ts';
import { MembersRepository, showMember } from './members.repository.ts';
import { TeamsRepository } from './teams.repository.ts';

@Injectable()
export class MembersService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly members: MembersRepository,
    private readonly teams: TeamsRepository,
    private readonly accounts: AccountsService,
    private readonly audit: AuditRepository,
    private readonly signInEvents: SignInEvents,
    private readonly changes: LiveChanges,
  ) {}

  async list(organisationId: string, query: { cursor?: string | undefined; limit: number }) {
    const after = query.cursor === undefined ? undefined : decodeCursor(z.string(), query.cursor);
    const rows = await this.members.page(organisationId, after, query.limit);
    return toPage(rows, query.limit, showMember, (row) => row.email);
  }

  /** Somebody new, by somebody who may do at least as much. */
  async invite(caller: Principal, input: CreateMember): Promise<{ member: Member; password: string }> {
    requireMayGive(caller, input.role);
    return this.create(caller.organisation.id, caller, input);
  }

  /** The account and the membership; the generated password is returned once and stored nowhere in clear. */
  async create(
    organisationId: string,
    actor: Actor,
    input: CreateMember,
    password = generatePassword(),
  ): Promise<{ member: Member; password: string }> {
    const email = input.email.toLowerCase();
    const userId = await this.accounts.create({ name: input.name, email, password });
    try {
      const member = await this.database.within(organisationId, async (tx) => {
        await this.requireTeam(tx, input.teamId);
        const { name, role, teamId } = input;
        const row = await this.members.insert(tx, organisationId, { userId, name, email, role, teamId });
        await this.audit.record(tx, organisationId, actor, {
          action: 'member.create',
          target: email,
          before: null,
          after: { role, teamId },
        });
        return showMember(row);
      });
      this.changes.announce(organisationId, 'members', 'audit');
      return { member, password };
    } catch (error) {
      // Accounts live under another database role, so there is no common transaction to roll back.
      await this.accounts.remove(userId);
      throw error;
    }
  }

  /** @throws RaypherError `request/conflict` when it would leave nobody who can administer the organisation. */
  async update(caller: Principal, userId: string, input: UpdateMember): Promise<Member> {
    const organisationId = caller.organisation.id;
    const { before, after } = await this.database.within(organisationId, async (tx) => {
      const administrators = await this.members.lockAdministrators(tx);
      const row = await this.members.find(tx, userId);
      if (row === null) throw new RaypherError('request/not-found', 'There is no such member.');
      await this.requireTeam(tx, input.teamId ?? null);
      const disabledAt = input.disabled === undefined ? row.disabledAt : input.disabled ? new Date() : null;
      const role = input.role ?? showMember(row).role;
      // Nor does anybody take from somebody what they could not give them.
      if (changesRights(row, { role, disabledAt, teamId: input.teamId })) {
        requireMayGive(caller, showMember(row).role);
        requireMayGive(caller, role);
      }
      if (administrators.every((one) => one === userId) && !(disabledAt === null && mayAdminister(role))) {
        throw new RaypherError(
          'request/conflict',
          'This is the last person who can administer the organisation.',
          {
            hint: 'Make somebody else CISO or administrator first.',
          },
        );
      }
      const teamId = input.teamId === undefined ? row.teamId : input.teamId;
      const changed = await this.members.update(tx, organisationId, userId, { role, teamId, disabledAt });
      // Nobody keeps through a program what they have lost themselves.
      const permissions = disabledAt === null ? permissionsOfTokens(role) : [];
      const revokedTokens = await this.members.revokeTokensBeyond(tx, row.email, permissions);
      await this.audit.record(tx, organisationId, caller, {
        action: 'member.update',
        target: row.email,
        reason: input.reason,
        before: rights(showMember(row)),
        after: { ...rights(showMember(changed)), ...(revokedTokens.length === 0 ? {} : { revokedTokens }) },
      });
      return { before: showMember(row), after: showMember(changed) };
    });
    if (before.disabledAt === null && after.disabledAt !== null) {
      await this.accounts.endSessions(userId);
    }
    // Whatever is open was opened with the old rights.
    this.signInEvents.emit('changed', { userId });
    this.changes.announce(organisationId, 'members', 'audit');
    return after;
  }

  private async requireTeam(tx: TenantTransaction, teamId: string | null): Promise<void> {
    if (teamId === null || (await this.teams.names(tx)).has(teamId)) return;
    throw new RaypherError('request/invalid', 'There is no such team in this organisation.');
  }
}

function changesRights(
  row: { role: string; disabledAt: Date | null; teamId: string | null },
  {
    role,
    disabledAt,
    teamId = row.teamId,
  }: { role: Role; disabledAt: Date | null; teamId?: string | null | undefined },
): boolean {
  return role !== row.role || teamId !== row.teamId || (row.disabledAt === null) !== (disabledAt === null);
}

function mayAdminister(role: Role): boolean {
  return role === 'ciso' || role === 'admin';
}

function rights({ role, teamId, disabledAt }: Member) {
  return { role, teamId, disabled: disabledAt !== null };
}
