import { Injectable } from '@nestjs/common';
import type { Team } from '@raypher/shared/rest';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';

interface TeamRow {
  id: string;
  name: string;
  devices: bigint;
  members: bigint;
}

@Injectable()
export class TeamsRepository {
  constructor(private readonly database: TenantDatabase) {}

  async names(tx: TenantTransaction): Promise<Map<string, string>> {
    const teams = await tx.team.findMany({ select: { id: true, name: true } });
    return new Map(teams.map((team) => [team.id, team.name]));
  }

  /** By name. */
  page(organisationId: string, after: string | undefined, limit: number): Promise<TeamRow[]> {
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<TeamRow[]>`
        SELECT t.id, t.name,
          (SELECT count(*) FROM devices d WHERE d.team_id = t.id AND d.status = 'active') AS devices,
          (SELECT count(*) FROM members m WHERE m.team_id = t.id AND m.disabled_at IS NULL) AS members
        FROM teams t WHERE t.name > ${after ?? ''} ORDER BY t.name LIMIT ${limit + 1}`,
    );
  }

  /** @returns undefined when a team of that name exists. */
  async insert(tx: TenantTransaction, organisationId: string, name: string): Promise<string | undefined> {
    const [row] = await tx.$queryRaw<{ id: string }[]>`
      INSERT INTO teams (organisation_id, name) VALUES (${organisationId}::uuid, ${name})
      ON CONFLICT (organisation_id, name) DO NOTHING RETURNING id`;
    return row?.id;
  }
}

export function showTeam(row: TeamRow): Team {
  return { id: row.id, name: row.name, devices: Number(row.devices), members: Number(row.members) };
}
