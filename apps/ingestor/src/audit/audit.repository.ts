import { Injectable } from '@nestjs/common';
import type { AuditEntry } from '@raypher/shared/rest';
import { z } from 'zod';
import type { Principal } from '../auth/principal.ts';
import { labelOf } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { toJson } from '../database/json.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';

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
  constructor(private readonly database: TenantDatabase) {}

  /** Writes an entry in the transaction of the change itself: neither exists without the other. */
  async record(tx: TenantTransaction, organisationId: string, actor: Actor, change: Change): Promise<void> {
    await tx.auditEntry.create({
      data: {
        organisationId,
        actorKind: actor.kind,
        actorId: actor.id,
        actorName: actor.kind === 'system' ? actor.name : labelOf(actor),
        address: actor.kind === 'system' ? '' : actor.address,
        action: change.action,
        target: change.target,
        reason: change.reason ?? '',
        before: change.before === undefined ? Prisma.DbNull : toJson(change.before),
        after: change.after === undefined ? Prisma.DbNull : toJson(change.after),
      },
      select: { id: true },
    });
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
    return toPage(
      rows,
      query.limit,
      (row) => ({
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
      }),
      (row) => row.id.toString(),
    );
  }
}

const Position = z.string().regex(/^\d{1,18}$/);
const ActorKind = z.enum(['user', 'api-token', 'system']);
