import { createHash } from 'node:crypto';
import { PolicyStage } from '@raypher/shared/rest';
import { Prisma } from '../generated/prisma/client.ts';

/** What membership depends on. */
export interface StagedDevice {
  deviceId: string;
  teamId: string | null;
}

/** Whether a device is among those that get a staged revision. {@link stageHolds} says the same in SQL. */
export function isInStage({ selector }: PolicyStage, { deviceId, teamId }: StagedDevice): boolean {
  switch (selector.kind) {
    case 'percentage':
      return bucketOf(deviceId) < selector.percentage;
    case 'teams':
      return teamId !== null && selector.teams.includes(teamId);
    case 'devices':
      return selector.devices.includes(deviceId);
  }
}

/** 0 to 99, the same for a device each time, so that a larger share contains every smaller one. */
function bucketOf(deviceId: string): number {
  return createHash('sha256').update(deviceId).digest().readUInt32BE(0) % 100;
}

/**
 * Whether the device `d` is in the stage of a row; true where there is none.
 *
 * @param stage the column that holds a {@link PolicyStage} or null
 */
export function stageHolds(stage: Prisma.Sql): Prisma.Sql {
  const selector = Prisma.sql`(${stage} -> 'selector')`;
  return Prisma.sql`CASE coalesce(${selector} ->> 'kind', '')
    WHEN '' THEN true
    WHEN 'percentage' THEN
      ('x' || encode(substr(sha256(convert_to(d.id::text, 'UTF8')), 1, 4), 'hex'))::bit(32)::bigint % 100
        < (${selector} ->> 'percentage')::int
    WHEN 'teams' THEN jsonb_exists(${selector} -> 'teams', coalesce(d.team_id::text, ''))
    WHEN 'devices' THEN jsonb_exists(${selector} -> 'devices', d.id::text)
    ELSE false END`;
}

/** A stage as a column holds it. */
export function readStage(column: unknown): PolicyStage | null {
  return column === null || column === undefined ? null : PolicyStage.parse(column);
}

/** @example stageInWords({ selector: { kind: 'percentage', percentage: 10 }, haltAtPercent: 10 }) // '10 % of devices' */
export function stageInWords({ selector }: PolicyStage): string {
  switch (selector.kind) {
    case 'percentage':
      return `${selector.percentage} % of devices`;
    case 'teams':
      return selector.teams.length === 1 ? '1 team' : `${selector.teams.length} teams`;
    case 'devices':
      return selector.devices.length === 1 ? '1 device' : `${selector.devices.length} devices`;
  }
}
