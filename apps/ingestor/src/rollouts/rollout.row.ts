import { type Rollout, type RolloutDevice, RolloutPhase } from '@raypher/shared/rest';
import { z } from 'zod';
import { readStage } from './stage-membership.ts';

export interface RolloutRow {
  id: string;
  kind: string;
  revision: bigint;
  title: string;
  reason: string;
  createdBy: string;
  createdAt: Date;
  supersededAt: Date | null;
  stage: unknown;
  devices: bigint;
  pending: bigint;
  received: bigint;
  verified: bigint;
  applied: bigint;
  rejected: bigint;
  unreachable: bigint;
  affected: bigint;
  /** When the last of those that answered did so. */
  lastAnswerAt: Date | null;
}

export interface RolloutDeviceRow {
  deviceId: string;
  hostname: string;
  simulated: boolean;
  phase: string;
  code: string;
  detail: string;
  affected: number;
  updatedAt: Date | null;
  createdAt: Date;
}

const Kind = z.enum(['policy', 'freeze']);

export function showRollout(row: RolloutRow): Rollout {
  const counts = {
    pending: Number(row.pending),
    received: Number(row.received),
    verified: Number(row.verified),
    applied: Number(row.applied),
    rejected: Number(row.rejected),
    unreachable: Number(row.unreachable),
  };
  const isSettled = counts.pending + counts.received + counts.verified === 0 && row.lastAnswerAt !== null;
  return {
    id: row.id,
    kind: Kind.parse(row.kind),
    revision: Number(row.revision),
    title: row.title,
    reason: row.reason,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    supersededAt: row.supersededAt?.toISOString() ?? null,
    stage: readStage(row.stage),
    devices: Number(row.devices),
    counts,
    settledAfterMs: isSettled ? millisecondsAfter(row.createdAt, row.lastAnswerAt) : null,
    affected: Number(row.affected),
  };
}

export function showRolloutDevice(row: RolloutDeviceRow): RolloutDevice {
  return {
    deviceId: row.deviceId,
    hostname: row.hostname,
    simulated: row.simulated,
    phase: RolloutPhase.parse(row.phase),
    code: row.code,
    detail: row.detail,
    affected: row.affected,
    afterMs: millisecondsAfter(row.createdAt, row.updatedAt),
  };
}

/** Never negative: the database's clock and the link's may differ by a little. */
function millisecondsAfter(start: Date, end: Date | null): number | null {
  return end === null ? null : Math.max(0, end.getTime() - start.getTime());
}
