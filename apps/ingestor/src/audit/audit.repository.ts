import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { AuditAction, AuditEntry } from '@raypher/shared/rest';
import { z } from 'zod';
import type { Principal } from '../auth/principal.ts';
import { labelOf } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { toJson } from '../database/json.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { type AuditEntry as AuditRow, Prisma } from '../generated/prisma/client.ts';
import { ControlEntriesRepository } from '../ledger/control-entries.repository.ts';

/** One change, as it is written to the administrators' audit. */
export interface Change {
  action: AuditAction;
  /** What it was done to, for people: a host name, a revision, an address. */
  target: string;
  reason?: string;
  before?: unknown;
  after?: unknown;
}

/** Without a role nobody asked for anything: it is somebody whose sign-in began or ended. */
type PersonOrProgram = Pick<Principal, 'kind' | 'id' | 'name' | 'email' | 'address'> &
  Partial<Pick<Principal, 'role' | 'teamId'>>;
export type Actor = PersonOrProgram | SystemActor;
/** The control plane itself: setting up, jobs. */
export interface SystemActor {
  kind: 'system';
  id: string;
  name: string;
  /** From where somebody unknown made it act. */
  address?: string;
}
export const SYSTEM: SystemActor = { kind: 'system', id: 'control-plane', name: 'control plane' };

@Injectable()
export class AuditRepository {
  constructor(
    private readonly database: TenantDatabase,
    private readonly control: ControlEntriesRepository,
  ) {}

  /**
   * Writes an entry in the transaction of the change itself: neither exists without the other.
   *
   * @throws RaypherError `auth/forbidden` when who asked for the change may no longer do what they were let in for
   */
  async record(tx: TenantTransaction, organisationId: string, actor: Actor, change: Change): Promise<void> {
    if (actor.kind !== 'system' && actor.role !== undefined) await requireSameRights(tx, actor);
    const name = actor.kind === 'system' ? actor.name : labelOf(actor);
    const { address = '' } = actor;
    const { action, target, reason = '', before, after } = change;
    const { id } = await tx.auditEntry.create({
      data: {
        organisationId,
        actorKind: actor.kind,
        actorId: actor.id,
        actorName: name,
        address,
        action,
        target,
        reason,
        before: before === undefined ? Prisma.DbNull : toJson(before),
        after: after === undefined ? Prisma.DbNull : toJson(after),
      },
      select: { id: true },
    });
    await this.control.add(tx, organisationId, {
      kind: 'audit',
      body: { audit: id, action, actor: { kind: actor.kind, id: actor.id } },
      private: { name, address, target, reason, before, after },
    });
  }

  /**
   * Erases who did it, to what and why, here and beside the entry of the log. Itself audited.
   *
   * @throws RaypherError `request/not-found`, `request/conflict` under a legal hold
   */
  async erase(caller: Principal, id: number, reason: string): Promise<AuditEntry> {
    const organisationId = caller.organisation.id;
    const row = await this.database.within(organisationId, async (tx) => {
      const [held] = await tx.$queryRaw<{ held: boolean }[]>`SELECT is_held(${organisationId}::uuid) AS held`;
      if (held?.held !== false) {
        throw new RaypherError('request/conflict', 'Nothing is erased under a legal hold.', {
          hint: 'It counts until seven days after it was lifted (docs/retention.md).',
        });
      }
      const [found] = await tx.$queryRaw<
        { erased: boolean }[]
      >`SELECT erase_audit_entry(${BigInt(id)}) AS erased`;
      if (found?.erased !== true)
        throw new RaypherError('request/not-found', 'There is no such audit entry.');
      await this.record(tx, organisationId, caller, {
        action: 'audit.erase',
        target: `audit entry ${id}`,
        reason,
      });
      return tx.auditEntry.findUniqueOrThrow({ where: { id: BigInt(id) } });
    });
    return showEntry(row);
  }

  /** Newest first. */
  async list(
    organisationId: string,
    query: { cursor?: string | undefined; limit: number },
  ): Promise<{ items: AuditEntry[]; next: string | null }> {
    const before = query.cursor === undefined ? undefined : BigInt(decodeCursor(Position, query.cursor));
    const rows = await this.database.within(organisationId, (tx) =>
      tx.auditEntry.findMany({
        ...(before === undefined ? {} : { where: { id: { lt: before } } }),
        orderBy: { id: 'desc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, showEntry, (row) => row.id.toString());
  }
}

/**
 * A request is let in, and then it waits: for rows that others hold, for a key, for its turn. Meanwhile the person can be
 * disabled, or the token revoked. What this very transaction changed about them (`xmin`) is what they asked for.
 */
async function requireSameRights(
  tx: TenantTransaction,
  { kind, id, role = null, teamId = null }: PersonOrProgram,
): Promise<void> {
  const rows =
    kind === 'user'
      ? await tx.$queryRaw<unknown[]>`
          SELECT 1 FROM members WHERE user_id = ${id} AND (xmin = pg_current_xact_id()::xid
            OR (disabled_at IS NULL AND role = ${role} AND team_id IS NOT DISTINCT FROM ${teamId}::uuid))`
      : await tx.$queryRaw<unknown[]>`
          SELECT 1 FROM api_tokens WHERE id = ${id}::uuid AND (xmin = pg_current_xact_id()::xid
            OR (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())))`;
  if (rows.length > 0) return;
  throw new RaypherError('auth/forbidden', 'You may no longer do this: your rights changed a moment ago.', {
    hint: 'Ask an administrator of your organisation.',
  });
}

const Position = z.string().regex(/^\d{1,18}$/);
const ActorKind = z.enum(['user', 'api-token', 'system']);

function showEntry(row: AuditRow): AuditEntry {
  return {
    id: row.id.toString(),
    at: row.at.toISOString(),
    // The column's check constraint allows exactly these three.
    actor: { kind: ActorKind.parse(row.actorKind), id: row.actorId, name: row.actorName },
    action: row.action,
    target: row.target,
    reason: row.reason,
    before: row.before,
    after: row.after,
    address: row.address,
  };
}
