import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { AuditEntry } from '@raypher/shared/rest';
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
  /** `object.verb`: `policy.deploy`, `freeze.create`, `device.revoke`. */
  action: string;
  /** What it was done to, for people: a host name, a revision, an address. */
  target: string;
  reason?: string;
  before?: unknown;
  after?: unknown;
}

export type Actor = Pick<Principal, 'kind' | 'id' | 'name' | 'email' | 'address'> | SystemActor;
/** The control plane itself: setting up, jobs. */
export interface SystemActor {
  kind: 'system';
  id: string;
  name: string;
}
export const SYSTEM: SystemActor = { kind: 'system', id: 'control-plane', name: 'control plane' };

@Injectable()
export class AuditRepository {
  constructor(
    private readonly database: TenantDatabase,
    private readonly control: ControlEntriesRepository,
  ) {}

  /** Writes an entry in the transaction of the change itself: neither exists without the other. */
  async record(tx: TenantTransaction, organisationId: string, actor: Actor, change: Change): Promise<void> {
    const name = actor.kind === 'system' ? actor.name : labelOf(actor);
    const address = actor.kind === 'system' ? '' : actor.address;
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
