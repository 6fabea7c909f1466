import { Injectable } from '@nestjs/common';
import type { SpendGroup } from '@raypher/shared/rest';
import { TenantDatabase } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';

export interface SumsRow {
  calls: bigint;
  inputTokens: bigint;
  outputTokens: bigint;
  cachedTokens: bigint;
  exactMicros: bigint;
  estimatedMicros: bigint;
  unknownCalls: bigint;
}

/** Days of UTC, both included; with a team, what its devices spent alone. */
export interface SpendScope {
  from: string;
  to: string;
  team: string | undefined;
}

/** Sums of bigint are numeric; as bigint they arrive as one. */
const SUMS = Prisma.sql`coalesce(sum(s.calls), 0)::bigint AS calls,
  coalesce(sum(s.input_tokens), 0)::bigint AS "inputTokens",
  coalesce(sum(s.output_tokens), 0)::bigint AS "outputTokens",
  coalesce(sum(s.cached_tokens), 0)::bigint AS "cachedTokens",
  coalesce(sum(s.exact_micros), 0)::bigint AS "exactMicros",
  coalesce(sum(s.estimated_micros), 0)::bigint AS "estimatedMicros",
  coalesce(sum(s.unknown_calls), 0)::bigint AS "unknownCalls"`;

/** Whose calls are made up. */
const IS_SIMULATED = Prisma.sql`s.device_id IN (SELECT d.id FROM devices d WHERE d.simulated)`;

/** What is told apart, and what a group is called. */
const GROUPS: Record<SpendGroup, { key: Prisma.Sql; name: Prisma.Sql }> = {
  provider: { key: Prisma.sql`s.provider`, name: Prisma.sql`g.key` },
  model: { key: Prisma.sql`s.model`, name: Prisma.sql`g.key` },
  agent: { key: Prisma.sql`s.agent_id`, name: Prisma.sql`g.agent` },
  user: { key: Prisma.sql`s.user_name`, name: Prisma.sql`g.key` },
  team: {
    key: Prisma.sql`s.team_id::text`,
    name: Prisma.sql`coalesce((SELECT t.name FROM teams t WHERE t.id = g.key::uuid), '')`,
  },
  device: {
    key: Prisma.sql`s.device_id::text`,
    name: Prisma.sql`coalesce((SELECT d.hostname FROM devices d WHERE d.id = g.key::uuid), '')`,
  },
};

@Injectable()
export class SpendReader {
  constructor(private readonly database: TenantDatabase) {}

  /** The dearest first, and all together. */
  groups(organisationId: string, group: SpendGroup, scope: SpendScope, limit: number) {
    const { key, name } = GROUPS[group];
    const where = condition(scope);
    return this.database.within(organisationId, async (tx) => {
      const rows = await tx.$queryRaw<(SumsRow & { key: string; name: string; simulated: boolean })[]>`
        WITH g AS (
          SELECT ${key} AS key, max(s.agent_name) AS agent, bool_and(${IS_SIMULATED}) AS simulated, ${SUMS}
          FROM spend_daily s WHERE ${where} GROUP BY 1 ORDER BY sum(s.exact_micros + s.estimated_micros) DESC, sum(s.calls) DESC, 1 LIMIT ${limit})
        SELECT g.*, ${name} AS name FROM g ORDER BY g."exactMicros" + g."estimatedMicros" DESC, g.calls DESC, g.key`;
      const [total] = await tx.$queryRaw<(SumsRow & { groups: bigint; simulatedMicros: bigint })[]>`
        SELECT count(DISTINCT ${key}) AS groups, ${SUMS},
          coalesce(sum(s.exact_micros + s.estimated_micros) FILTER (WHERE ${IS_SIMULATED}), 0)::bigint AS "simulatedMicros"
        FROM spend_daily s WHERE ${where}`;
      if (total === undefined) throw new Error('aggregates always give one row');
      return { rows, total };
    });
  }

  days(organisationId: string, scope: SpendScope) {
    return this.database.within(
      organisationId,
      (tx) => tx.$queryRaw<(SumsRow & { day: string })[]>`
        SELECT to_char(days.day, 'YYYY-MM-DD') AS day, ${SUMS}
          FROM generate_series(${scope.from}::date, ${scope.to}::date, interval '1 day') AS days (day)
          LEFT JOIN spend_daily s ON s.day = days.day::date AND ${condition(scope)}
         GROUP BY days.day ORDER BY days.day`,
    );
  }
}

function condition({ from, to, team }: SpendScope): Prisma.Sql {
  const range = Prisma.sql`s.day BETWEEN ${from}::date AND ${to}::date`;
  return team === undefined ? range : Prisma.sql`${range} AND s.team_id = ${team}::uuid`;
}
