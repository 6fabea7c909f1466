import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { type AskedRow, type EndedRow, readAsked, readEnded } from './approval-entry.ts';
import type { FollowedRow } from './placed-batch.ts';

/** Questions that one device may have open here; the agent itself stops at 64. */
const MOST_OPEN = 200;

/** Keeps the table of questions in step with the ledgers that tell of them. */
@Injectable()
export class ApprovalsProjection {
  /** In the transaction that stores the entries: neither is there without the other. */
  async project(client: PoolClient, rows: readonly FollowedRow[], receivedAt: Date): Promise<void> {
    const asked = new Map<string, AskedRow>();
    const ended = new Map<string, EndedRow>();
    const perDevice = new Map<string, number>();
    for (const row of rows) {
      if (row.entry.type === 'approval.requested') {
        const one = readAsked(row.entry, row, receivedAt);
        const count = perDevice.get(row.deviceId) ?? 0;
        if (one === undefined || count >= MOST_OPEN || asked.has(one.id)) continue;
        perDevice.set(row.deviceId, count + 1);
        asked.set(one.id, one);
      }
      if (row.entry.type === 'approval.decided') {
        const one = readEnded(row.entry, row.deviceId);
        // How it ended first is how it ended.
        if (one !== undefined && !ended.has(`${one.device_id} ${one.id}`)) {
          ended.set(`${one.device_id} ${one.id}`, one);
        }
      }
    }
    if (asked.size > 0) await this.open(client, [...asked.values()]);
    if (ended.size > 0) await this.end(client, [...ended.values()]);
  }

  /** An id that another device has taken stays with that device: ids are random, so this is no accident. */
  private async open(client: PoolClient, asked: readonly AskedRow[]): Promise<void> {
    await client.query(
      `INSERT INTO approvals (id, organisation_id, device_id, seq, asked_at, expires_at, actor, action, target,
          layer, rule, reason, revision, on_timeout, approvers_needed)
        SELECT n.* FROM jsonb_to_recordset($1::jsonb) AS n (id uuid, organisation_id uuid, device_id uuid, seq bigint,
          asked_at timestamptz, expires_at timestamptz, actor jsonb, action text, target text, layer text,
          rule text, reason text, revision bigint, on_timeout text, approvers_needed integer)
        WHERE (SELECT count(*) FROM approvals a WHERE a.device_id = n.device_id AND a.how IS NULL
          AND a.expires_at > now()) < $2
        ON CONFLICT (id) DO NOTHING`,
      [JSON.stringify(asked), MOST_OPEN],
    );
  }

  private async end(client: PoolClient, ended: readonly EndedRow[]): Promise<void> {
    await client.query(
      `UPDATE approvals a SET ended_seq = n.ended_seq, ended_at = n.ended_at, closed_at = now(), how = n.how, outcome = n.outcome,
          decided_by = n.decided_by, second_by = n.second_by, scope = n.scope, minutes = n.minutes,
          end_reason = n.end_reason, waited_ms = n.waited_ms, answered = n.answered
        FROM jsonb_to_recordset($1::jsonb) AS n (id uuid, device_id uuid, ended_seq bigint, ended_at timestamptz, how text,
          outcome text, decided_by text, second_by text, scope text, minutes integer, end_reason text, waited_ms bigint,
          answered integer)
        WHERE a.id = n.id AND a.device_id = n.device_id AND a.how IS NULL`,
      [JSON.stringify(ended)],
    );
  }
}
