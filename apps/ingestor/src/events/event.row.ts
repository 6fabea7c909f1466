import { EventType, Severity, VerdictOutcome } from '@raypher/shared';
import type { EventView } from '@raypher/shared/rest';
import { z } from 'zod';

export interface EventRow {
  position: bigint;
  deviceId: string;
  hostname: string;
  simulated: boolean;
  seq: bigint;
  occurredAt: Date;
  receivedAt: Date;
  type: string;
  severity: string;
  actorKind: string;
  actorId: string;
  actorName: string;
  action: string;
  target: string;
  outcome: string | null;
  mode: string | null;
  rule: string | null;
  policyRevision: bigint | null;
}

const Mode = z.enum(['enforce', 'monitor']);

export function showEvent(row: EventRow): EventView {
  return {
    position: row.position.toString(),
    deviceId: row.deviceId,
    hostname: row.hostname,
    simulated: row.simulated,
    seq: Number(row.seq),
    occurredAt: row.occurredAt.toISOString(),
    receivedAt: row.receivedAt.toISOString(),
    type: EventType.parse(row.type),
    severity: Severity.parse(row.severity),
    actor: { kind: row.actorKind, id: row.actorId, name: row.actorName },
    action: row.action,
    target: row.target,
    outcome: VerdictOutcome.nullable().parse(row.outcome),
    mode: Mode.nullable().parse(row.mode),
    rule: row.rule,
    policyRevision: row.policyRevision === null ? null : Number(row.policyRevision),
  };
}
