import type { LedgerEntry } from '@raypher/shared';
import { z } from 'zod';
import { plainText } from './plain-text.ts';

/** How long a rule of a policy may wait for an answer, seconds; a device cannot keep a question open for longer. */
const MAX_TIMEOUT_SECONDS = 3_600;

/** Entries that tell of questions. */
export const APPROVAL_TYPES = ['approval.requested', 'approval.decided'] as const;

/** One question of a device, as it is stored. */
export interface AskedRow {
  id: string;
  organisation_id: string;
  device_id: string;
  seq: number;
  asked_at: string;
  expires_at: string;
  actor: Record<string, unknown>;
  action: string;
  target: string;
  layer: string;
  rule: string;
  reason: string;
  revision: number;
  on_timeout: 'ALLOW' | 'DENY';
  approvers_needed: 1 | 2;
}

export interface EndedRow {
  id: string;
  device_id: string;
  ended_seq: number;
  ended_at: string;
  how: string;
  outcome: 'ALLOW' | 'DENY';
  decided_by: string | null;
  second_by: string | null;
  scope: string | null;
  minutes: number | null;
  end_reason: string | null;
  waited_ms: number;
  answered: number;
}

const Count = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const Outcome = z.enum(['ALLOW', 'DENY']);

const AskedData = z.object({
  approval: z.uuid(),
  timeoutSeconds: z.number().min(1).max(MAX_TIMEOUT_SECONDS),
  onTimeout: Outcome,
  approversNeeded: z.literal([1, 2]),
});

const EndedData = z.object({
  approval: z.uuid(),
  how: z.enum(['person', 'remembered', 'timeout', 'withdrawn', 'unavailable']),
  outcome: Outcome,
  waitedMs: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  answered: Count,
  by: z.string().optional(),
  second: z.string().optional(),
  scope: z.enum(['once', 'session', 'minutes']).optional(),
  minutes: Count.optional(),
  reason: z.string().optional(),
});

/** @returns undefined for an entry that does not say what it should: it stays in the ledger, and on no screen */
export function readAsked(
  entry: LedgerEntry,
  device: { organisationId: string; deviceId: string },
  receivedAt: Date,
): AskedRow | undefined {
  const data = AskedData.safeParse(entry.data);
  const { verdict, actor } = entry;
  if (!data.success || verdict === undefined) return undefined;
  const { approval, timeoutSeconds, onTimeout, approversNeeded } = data.data;
  return {
    id: approval,
    organisation_id: device.organisationId,
    device_id: device.deviceId,
    seq: entry.seq,
    asked_at: new Date(entry.at).toISOString(),
    expires_at: new Date(receivedAt.getTime() + timeoutSeconds * 1000).toISOString(),
    actor: {
      kind: actor.kind,
      id: plainText(actor.id, 128),
      name: plainText(actor.name, 256),
      pid: actor.pid ?? null,
      user: actor.user === undefined ? null : plainText(actor.user, 128),
    },
    action: plainText(entry.action, 128),
    target: plainText(entry.target, 2048),
    layer: verdict.layer,
    rule: plainText(verdict.rule, 128),
    reason: plainText(verdict.reason, 1000),
    revision: verdict.revision,
    on_timeout: onTimeout,
    approvers_needed: approversNeeded,
  };
}

export function readEnded(entry: LedgerEntry, deviceId: string): EndedRow | undefined {
  const parsed = EndedData.safeParse(entry.data);
  if (!parsed.success) return undefined;
  const { approval, how, outcome, by, second, scope, minutes, reason, waitedMs, answered } = parsed.data;
  const text = (value: string | undefined, most: number) =>
    value === undefined ? null : plainText(value, most);
  return {
    id: approval,
    device_id: deviceId,
    ended_seq: entry.seq,
    ended_at: new Date(entry.at).toISOString(),
    how,
    outcome,
    decided_by: text(by, 200),
    second_by: text(second, 200),
    scope: scope ?? null,
    minutes: minutes ?? null,
    end_reason: text(reason, 1000),
    waited_ms: waitedMs,
    answered,
  };
}
