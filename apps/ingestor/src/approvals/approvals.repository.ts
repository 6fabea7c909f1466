import { Injectable } from '@nestjs/common';
import { Approval, ApprovalEnd, ApprovalVote } from '@raypher/shared/rest';
import { z } from 'zod';
import { toJson } from '../database/json.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { readDetails } from './details.ts';

export interface ApprovalRow {
  id: string;
  deviceId: string;
  hostname: string;
  simulated: boolean;
  teamId: string | null;
  teamName: string | null;
  seq: bigint;
  askedAt: Date;
  expiresAt: Date;
  actor: unknown;
  action: string;
  target: string;
  /** The private part of the entry that asked; null when it was erased, or there was none. */
  details: Uint8Array | null;
  layer: string;
  rule: string;
  reason: string;
  revision: bigint;
  onTimeout: string;
  approversNeeded: number;
  votes: unknown;
  sentAt: Date | null;
  endedAt: Date | null;
  endedSeq: bigint | null;
  how: string | null;
  outcome: string | null;
  decidedBy: string | null;
  secondBy: string | null;
  scope: string | null;
  minutes: number | null;
  endReason: string | null;
  waitedMs: bigint | null;
  answered: number | null;
  isOpen: boolean;
  listedAt: Date;
}

export interface ApprovalFilter {
  state?: 'pending' | 'ended' | undefined;
  device?: string | undefined;
  /** Only of this team's devices. Null: of nobody's; undefined: of all. */
  team?: string | null | undefined;
}

/** People can still answer. */
const IS_OPEN = Prisma.sql`(a.how IS NULL AND a.sent_at IS NULL AND a.expires_at > now())`;
/** The order of the list. Not of the device's clock, which is the device's to set. */
const LISTED_AT = Prisma.sql`date_trunc('milliseconds', coalesce(a.closed_at, a.expires_at))`;

const FROM = Prisma.sql`
  SELECT a.id, a.device_id AS "deviceId", d.hostname, d.simulated, d.team_id AS "teamId", t.name AS "teamName", a.seq,
    a.asked_at AS "askedAt", a.expires_at AS "expiresAt", a.actor, a.action, a.target, p.content AS details, a.layer, a.rule, a.reason,
    a.revision, a.on_timeout AS "onTimeout", a.approvers_needed AS "approversNeeded", a.votes, a.sent_at AS "sentAt",
    a.ended_at AS "endedAt", a.ended_seq AS "endedSeq", a.how, a.outcome, a.decided_by AS "decidedBy",
    a.second_by AS "secondBy", a.scope, a.minutes, a.end_reason AS "endReason", a.waited_ms AS "waitedMs", a.answered,
    ${IS_OPEN} AS "isOpen", ${LISTED_AT} AS "listedAt"
  FROM approvals a JOIN devices d ON d.id = a.device_id LEFT JOIN teams t ON t.id = d.team_id
    LEFT JOIN event_private p ON p.device_id = a.device_id AND p.seq = a.seq`;

@Injectable()
export class ApprovalsRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** Those that wait first, then by when they ended or would have, newest first. */
  page(
    organisationId: string,
    filter: ApprovalFilter,
    before: { isOpen: boolean; listedAt: string; id: string } | undefined,
    limit: number,
  ): Promise<ApprovalRow[]> {
    const conditions = [Prisma.sql`true`];
    if (filter.state === 'pending') conditions.push(IS_OPEN);
    if (filter.state === 'ended') conditions.push(Prisma.sql`NOT ${IS_OPEN}`);
    if (filter.device !== undefined) conditions.push(Prisma.sql`a.device_id = ${filter.device}::uuid`);
    if (filter.team !== undefined) conditions.push(Prisma.sql`d.team_id = ${filter.team}::uuid`);
    if (before !== undefined) {
      conditions.push(Prisma.sql`(${IS_OPEN}, ${LISTED_AT}, a.id)
        < (${before.isOpen}, ${before.listedAt}::timestamptz, ${before.id}::uuid)`);
    }
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<ApprovalRow[]>`
        ${FROM} WHERE ${Prisma.join(conditions, ' AND ')}
        ORDER BY ${IS_OPEN} DESC, ${LISTED_AT} DESC, a.id DESC LIMIT ${limit + 1}`,
    );
  }

  /** Locked until the transaction ends: two people who decide at the same moment do so one after the other. */
  async lock(tx: TenantTransaction, id: string): Promise<ApprovalRow | undefined> {
    await tx.$queryRaw`SELECT 1 FROM approvals WHERE id = ${id}::uuid FOR UPDATE`;
    return this.find(tx, id);
  }

  async find(tx: TenantTransaction, id: string): Promise<ApprovalRow | undefined> {
    const [row] = await tx.$queryRaw<ApprovalRow[]>`${FROM} WHERE a.id = ${id}::uuid`;
    return row;
  }

  /** @param sentAt when the device is told; null while more people are needed */
  async vote(
    tx: TenantTransaction,
    id: string,
    votes: readonly ApprovalVote[],
    sentAt: Date | null,
  ): Promise<void> {
    await tx.approval.updateMany({ where: { id }, data: { votes: toJson(votes), sentAt } });
  }
}

const Votes = z.array(ApprovalVote);
/** Written by the link, from checked entries. */
const { actor: Actor } = Approval.shape;

export function votesOf(row: Pick<ApprovalRow, 'votes'>): ApprovalVote[] {
  return Votes.parse(row.votes);
}

export function showApproval(row: ApprovalRow): Approval {
  return {
    id: row.id,
    device: { id: row.deviceId, hostname: row.hostname, simulated: row.simulated, team: row.teamName },
    askedAt: row.askedAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    actor: Actor.parse(row.actor),
    action: row.action,
    target: row.target,
    details: readDetails(row.details),
    layer: row.layer,
    rule: row.rule,
    reason: row.reason,
    revision: Number(row.revision),
    onTimeout: row.onTimeout === 'ALLOW' ? 'ALLOW' : 'DENY',
    approversNeeded: row.approversNeeded,
    seq: Number(row.seq),
    state: stateOf(row),
    votes: votesOf(row),
    end: endOf(row),
  };
}

function stateOf(row: ApprovalRow): Approval['state'] {
  switch (row.how) {
    case null:
      if (row.isOpen) return 'pending';
      return row.sentAt !== null && row.expiresAt.getTime() > Date.now() ? 'sent' : 'no-word';
    case 'timeout':
      return 'timed-out';
    case 'withdrawn':
    case 'unavailable':
      return row.how;
    default:
      return row.outcome === 'ALLOW' ? 'allowed' : 'denied';
  }
}

function endOf(row: ApprovalRow): ApprovalEnd | null {
  if (row.how === null) return null;
  return ApprovalEnd.parse({
    at: row.endedAt?.toISOString(),
    how: row.how,
    outcome: row.outcome,
    by: row.decidedBy,
    second: row.secondBy,
    scope: row.scope,
    minutes: row.minutes,
    reason: row.endReason,
    waitedMs: Number(row.waitedMs),
    answered: row.answered,
    seq: Number(row.endedSeq),
  });
}
