import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import {
  type Approval,
  type ApprovalQuery,
  type DecideApproval,
  ROLE_PERMISSIONS,
  Role,
} from '@raypher/shared/rest';
import { z } from 'zod';
import { AuditRepository } from '../audit/audit.repository.ts';
import type { Principal } from '../auth/principal.ts';
import { CommandsService } from '../commands/commands.service.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { requirePerson, teamOf } from './approval-authority.ts';
import { type ApprovalRow, ApprovalsRepository, showApproval, votesOf } from './approvals.repository.ts';
import { type Decided, decide } from './decide.ts';

const ApprovalKey = z.tuple([z.boolean(), z.iso.datetime(), z.uuid()]);
/** The device tells best whether an answer came in time; what is later than this was never meant for it. */
const GRACE_MS = 60_000;

@Injectable()
export class ApprovalsService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly approvals: ApprovalsRepository,
    private readonly commands: CommandsService,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  async list(caller: Principal, query: ApprovalQuery) {
    const key = query.cursor === undefined ? undefined : decodeCursor(ApprovalKey, query.cursor);
    const before = key === undefined ? undefined : { isOpen: key[0], listedAt: key[1], id: key[2] };
    const filter = { state: query.state, device: query.device, team: teamOf(caller) };
    const rows = await this.approvals.page(caller.organisation.id, filter, before, query.limit);
    return toPage(rows, query.limit, showApproval, (row) => [row.isOpen, row.listedAt.toISOString(), row.id]);
  }

  async read(caller: Principal, id: string): Promise<Approval> {
    const row = await this.database.within(caller.organisation.id, (tx) => this.approvals.find(tx, id));
    return showApproval(requireVisible(caller, row));
  }

  /** Counts a person's answer and, when enough have answered, has the device told. */
  async decide(caller: Principal, id: string, input: DecideApproval): Promise<Approval> {
    requirePerson(caller);
    const organisationId = caller.organisation.id;
    const { seen, mayAllow } = await this.database.within(organisationId, async (tx) => {
      const row = requireVisible(caller, await this.approvals.find(tx, id));
      return { seen: row, mayAllow: await this.mayAllow(tx, row, caller) };
    });
    const { deviceId, expiresAt } = seen;
    const now = new Date();
    if (decide(seen, caller, input, now, mayAllow).order === undefined) {
      // Nothing for the device yet.
      await this.database.within(organisationId, (tx) => this.count(tx, caller, id, input, now, false));
    } else {
      await this.commands.issue(caller, deviceId, {
        verb: 'decide-approval',
        given: async (tx) => (await this.count(tx, caller, id, input, now, true)).order ?? {},
        recorded: { approval: id, outcome: input.outcome },
        reason: input.reason,
        expiresAfterMs: expiresAt.getTime() - now.getTime() + GRACE_MS,
      });
    }
    this.changes.announce(organisationId, 'approvals', 'audit');
    return this.read(caller, id);
  }

  /**
   * Of those who have answered, and who answers now. Somebody who was disabled, or may not decide any more, counts no
   * longer; where two are needed, neither is one whom the other may have made for it.
   */
  private async mayAllow(tx: TenantTransaction, row: ApprovalRow, caller: Principal): Promise<Set<string>> {
    const ids = [caller.id, ...votesOf(row).map(({ userId }) => userId)];
    const members = await tx.member.findMany({ where: { userId: { in: ids }, disabledAt: null } });
    const counting = members.filter(
      ({ role, teamId, createdAt }) =>
        ROLE_PERMISSIONS[Role.parse(role)].includes('approvals:decide') &&
        (role !== 'manager' || teamId === row.teamId) &&
        (row.approversNeeded === 1 || createdAt <= row.askedAt),
    );
    return new Set(counting.map(({ userId }) => userId));
  }

  /** Under a lock: what was seen before may have changed. */
  private async count(
    tx: TenantTransaction,
    caller: Principal,
    id: string,
    input: DecideApproval,
    now: Date,
    isLast: boolean,
  ): Promise<Decided> {
    const row = requireVisible(caller, await this.approvals.lock(tx, id));
    const decided = decide(row, caller, input, now, await this.mayAllow(tx, row, caller));
    if ((decided.order !== undefined) !== isLast) {
      throw new RaypherError('request/conflict', 'Somebody else answered at the same moment.', {
        hint: 'Look at the question again, then decide.',
      });
    }
    await this.approvals.vote(tx, id, decided.votes, isLast ? now : null);
    const given = decided.votes.filter(({ outcome }) => outcome === 'allow').length;
    await this.audit.record(tx, caller.organisation.id, caller, {
      action: `approval.${input.outcome}`,
      target: `${row.hostname}: ${row.action} ${row.target}`,
      reason: input.reason,
      before: { id, rule: row.rule, approversNeeded: row.approversNeeded },
      after: {
        id,
        outcome: input.outcome,
        scope: input.scope,
        ...(input.minutes === undefined ? {} : { minutes: input.minutes }),
        approversGiven: given,
      },
    });
    return decided;
  }
}

/** What a manager may not see is not there for them. */
function requireVisible(caller: Principal, row: ApprovalRow | undefined): ApprovalRow {
  const team = teamOf(caller);
  if (row !== undefined && (team === undefined || (team !== null && row.teamId === team))) return row;
  throw new RaypherError('approval/unknown', 'There is no such question.');
}
