import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import type { SpendRow } from './spend-rows.ts';

/** Rows of one device and day. Programs name models themselves: they may not fill the table. */
export const MOST_ROWS_A_DAY = 1_000;
/** Stands for all that came beyond. */
export const OTHER = '(other)';

/** Adds up what was spent, in the transaction that stores the events: each is counted as often as it is stored, once. */
@Injectable()
export class SpendRepository {
  async add(client: PoolClient, rows: readonly SpendRow[]): Promise<void> {
    if (rows.length === 0) return;
    const full = await this.fullDays(client, rows);
    const kept = merge(
      rows.map((row) =>
        full.has(`${row.deviceId} ${row.day}`)
          ? { ...row, agentId: OTHER, agentName: OTHER, userName: OTHER, provider: OTHER, model: OTHER }
          : row,
      ),
    );
    const column = <K extends keyof SpendRow>(key: K) => kept.map((row) => row[key]);
    await client.query(
      `INSERT INTO spend_daily AS s (organisation_id, day, team_id, device_id, agent_id, agent_name, user_name, provider,
         model, calls, input_tokens, output_tokens, cached_tokens, exact_micros, estimated_micros, unknown_calls)
       SELECT n.organisation_id, n.day, coalesce(d.team_id, '00000000-0000-0000-0000-000000000000'), n.device_id,
         n.agent_id, n.agent_name, n.user_name, n.provider, n.model, n.calls, n.input_tokens, n.output_tokens,
         n.cached_tokens, n.exact_micros, n.estimated_micros, n.unknown_calls
         FROM UNNEST($1::uuid[], $2::date[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
           $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])
           AS n (organisation_id, day, device_id, agent_id, agent_name, user_name, provider, model, calls, input_tokens,
             output_tokens, cached_tokens, exact_micros, estimated_micros, unknown_calls)
         JOIN devices d ON d.id = n.device_id AND d.organisation_id = n.organisation_id
       ON CONFLICT (organisation_id, day, device_id, team_id, agent_id, user_name, provider, model) DO UPDATE SET
         agent_name = EXCLUDED.agent_name, calls = s.calls + EXCLUDED.calls,
         input_tokens = s.input_tokens + EXCLUDED.input_tokens,
         output_tokens = s.output_tokens + EXCLUDED.output_tokens,
         cached_tokens = s.cached_tokens + EXCLUDED.cached_tokens,
         exact_micros = s.exact_micros + EXCLUDED.exact_micros,
         estimated_micros = s.estimated_micros + EXCLUDED.estimated_micros,
         unknown_calls = s.unknown_calls + EXCLUDED.unknown_calls`,
      [
        column('organisationId'),
        column('day'),
        column('deviceId'),
        column('agentId'),
        column('agentName'),
        column('userName'),
        column('provider'),
        column('model'),
        column('calls'),
        column('inputTokens'),
        column('outputTokens'),
        column('cachedTokens'),
        column('exactMicros'),
        column('estimatedMicros'),
        column('unknownCalls'),
      ],
    );
  }

  /** Devices and days, as `device day`, that have as many rows as they may have. */
  private async fullDays(client: PoolClient, rows: readonly SpendRow[]): Promise<Set<string>> {
    const { rows: found } = await client.query<{ name: string }>(
      `SELECT device_id || ' ' || day AS name FROM spend_daily
        WHERE (organisation_id, day, device_id) IN (SELECT * FROM UNNEST($1::uuid[], $2::date[], $3::uuid[]))
        GROUP BY organisation_id, day, device_id HAVING count(*) >= $4`,
      [
        rows.map((row) => row.organisationId),
        rows.map((row) => row.day),
        rows.map((row) => row.deviceId),
        MOST_ROWS_A_DAY,
      ],
    );
    return new Set(found.map(({ name }) => name));
  }
}

/** One statement may not touch a row twice. */
function merge(rows: readonly SpendRow[]): SpendRow[] {
  const sums = new Map<string, SpendRow>();
  for (const row of rows) {
    const key = JSON.stringify([row.deviceId, row.day, row.agentId, row.userName, row.provider, row.model]);
    const sum = sums.get(key);
    sums.set(
      key,
      sum === undefined
        ? row
        : {
            ...row,
            calls: sum.calls + row.calls,
            inputTokens: sum.inputTokens + row.inputTokens,
            outputTokens: sum.outputTokens + row.outputTokens,
            cachedTokens: sum.cachedTokens + row.cachedTokens,
            exactMicros: sum.exactMicros + row.exactMicros,
            estimatedMicros: sum.estimatedMicros + row.estimatedMicros,
            unknownCalls: sum.unknownCalls + row.unknownCalls,
          },
    );
  }
  return [...sums.values()];
}
