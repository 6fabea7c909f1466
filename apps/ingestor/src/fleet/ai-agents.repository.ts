import { Injectable } from '@nestjs/common';
import type { FreezeSelector } from '@raypher/shared';
import { containing } from '../database/like.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';

export interface AiAgentRow {
  id: string;
  deviceId: string;
  hostname: string;
  simulated: boolean;
  name: string;
  user: string;
  exePath: string;
  exeSha256: string;
  entryScript: string;
  libraries: string[];
  models: string[];
  signatures: string[];
  risk: string;
  confidence: string;
  evidence: string[];
  processes: unknown;
  state: string;
  firstSeenAt: Date;
  lastSeenAt: Date;
}

/** An AI agent that a freeze would meet. */
export type ReachedAiAgent = Pick<AiAgentRow, 'deviceId' | 'hostname' | 'simulated' | 'name'>;

export interface AiAgentFilter {
  device?: string | undefined;
  state?: string | undefined;
  search?: string | undefined;
}

/** Sort key: gone ones last, then host name, name, id. */
export interface AiAgentKey {
  isGone: boolean;
  hostname: string;
  name: string;
  deviceId: string;
  id: string;
}

@Injectable()
export class AiAgentsRepository {
  constructor(private readonly database: TenantDatabase) {}

  page(
    organisationId: string,
    filter: AiAgentFilter,
    after: AiAgentKey | undefined,
    limit: number,
  ): Promise<{ rows: AiAgentRow[]; total: number }> {
    const matching = matches(filter);
    const paged =
      after === undefined
        ? matching
        : Prisma.sql`${matching} AND (a.state = 'gone', d.hostname, a.name, a.device_id, a.id)
            > (${after.isGone}, ${after.hostname}, ${after.name}, ${after.deviceId}::uuid, ${after.id})`;
    return this.database.within(organisationId, async (tx) => {
      const rows = await tx.$queryRaw<AiAgentRow[]>`
        SELECT a.id, a.device_id AS "deviceId", d.hostname, d.simulated, a.name, a.user_name AS "user", a.exe_path AS "exePath",
          a.exe_sha256 AS "exeSha256", a.entry_script AS "entryScript", a.libraries, a.models, a.signatures, a.risk,
          a.confidence, a.evidence, a.processes, a.state, a.first_seen_at AS "firstSeenAt", a.last_seen_at AS "lastSeenAt"
        FROM ai_agents a JOIN devices d ON d.id = a.device_id
        WHERE ${paged} ORDER BY a.state = 'gone', d.hostname, a.name, a.device_id, a.id LIMIT ${limit + 1}`;
      const [counted] = await tx.$queryRaw<{ total: bigint }[]>`
        SELECT count(*) AS total FROM ai_agents a JOIN devices d ON d.id = a.device_id WHERE ${matching}`;
      return { rows, total: Number(counted?.total ?? 0n) };
    });
  }

  /** AI agents on active devices that a freeze would meet, or all of them. At most 100,000. */
  reached(organisationId: string, selector: FreezeSelector | undefined): Promise<ReachedAiAgent[]> {
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<ReachedAiAgent[]>`
        SELECT a.device_id AS "deviceId", d.hostname, d.simulated, a.name
        FROM ai_agents a JOIN devices d ON d.id = a.device_id
        WHERE d.status = 'active' AND a.state <> 'gone' AND ${selects(selector)}
        ORDER BY d.hostname, a.name LIMIT 100000`,
    );
  }
}

function selects(selector: FreezeSelector | undefined): Prisma.Sql {
  switch (selector?.kind) {
    case undefined:
    case 'all':
      return Prisma.sql`true`;
    case 'team':
      return Prisma.sql`d.team_id = ${selector.team}::uuid`;
    case 'library':
      return Prisma.sql`${selector.name} = ANY (a.libraries)`;
    case 'hash':
      return Prisma.sql`a.exe_sha256 = ${selector.sha256}`;
    case 'model':
      return Prisma.sql`${selector.name} = ANY (a.models)`;
    case 'agent':
      return Prisma.sql`a.id = ${selector.agent}`;
  }
}

function matches(filter: AiAgentFilter): Prisma.Sql {
  const conditions = [Prisma.sql`d.status = 'active'`];
  if (filter.device !== undefined) conditions.push(Prisma.sql`a.device_id = ${filter.device}::uuid`);
  if (filter.state !== undefined) conditions.push(Prisma.sql`a.state = ${filter.state}`);
  if (filter.search !== undefined && filter.search !== '') {
    const pattern = containing(filter.search);
    conditions.push(Prisma.sql`(a.name ILIKE ${pattern} OR a.exe_path ILIKE ${pattern} OR a.entry_script ILIKE ${pattern}
      OR d.hostname ILIKE ${pattern} OR array_to_string(a.libraries || a.models, ' ') ILIKE ${pattern})`);
  }
  return Prisma.join(conditions, ' AND ');
}
