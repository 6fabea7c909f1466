import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../database/ingest-database.ts';

/** A row of ai_agents, named as the columns are. */
export interface AiAgentRow {
  organisation_id: string;
  device_id: string;
  id: string;
  name: string;
  user_name: string;
  exe_path: string;
  exe_sha256: string;
  entry_script: string;
  libraries: string[];
  models: string[];
  signatures: string[];
  risk: string;
  confidence: string;
  evidence: string[];
  processes: object[];
  state: 'running' | 'frozen';
  first_seen_at: string;
  last_seen_at: string;
}

/** AI agents that are gone are remembered up to so many per device, the newest. */
export const MAX_GONE = 500;

@Injectable()
export class InventoryRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** Replaces what is known of these devices: agents that a snapshot does not have any more are gone, and at last forgotten. */
  async replace(deviceIds: string[], agents: AiAgentRow[]): Promise<void> {
    await this.database.transaction(async (client) => {
      await client.query(
        `INSERT INTO ai_agents (organisation_id, device_id, id, name, user_name, exe_path, exe_sha256, entry_script,
                                libraries, models, signatures, risk, confidence, evidence, processes, state,
                                first_seen_at, last_seen_at)
         SELECT organisation_id, device_id, id, name, user_name, exe_path, exe_sha256, entry_script,
                libraries, models, signatures, risk, confidence, evidence, processes, state, first_seen_at, last_seen_at
           FROM jsonb_to_recordset($1::jsonb) AS a (organisation_id uuid, device_id uuid, id text, name text,
                user_name text, exe_path text, exe_sha256 text, entry_script text, libraries text[], models text[],
                signatures text[], risk text, confidence text, evidence text[], processes jsonb, state text,
                first_seen_at timestamptz, last_seen_at timestamptz)
          ORDER BY device_id, id
         ON CONFLICT (device_id, id) DO UPDATE SET
           name = EXCLUDED.name, user_name = EXCLUDED.user_name, exe_path = EXCLUDED.exe_path,
           exe_sha256 = EXCLUDED.exe_sha256, entry_script = EXCLUDED.entry_script, libraries = EXCLUDED.libraries,
           models = EXCLUDED.models, signatures = EXCLUDED.signatures, risk = EXCLUDED.risk,
           confidence = EXCLUDED.confidence, evidence = EXCLUDED.evidence, processes = EXCLUDED.processes,
           state = EXCLUDED.state, first_seen_at = LEAST(ai_agents.first_seen_at, EXCLUDED.first_seen_at),
           last_seen_at = GREATEST(ai_agents.last_seen_at, EXCLUDED.last_seen_at)`,
        [JSON.stringify(agents)],
      );
      const { rowCount: vanished } = await client.query(
        `UPDATE ai_agents a SET state = 'gone', processes = '[]'
          WHERE a.device_id = ANY ($1::uuid[]) AND a.state <> 'gone'
            AND NOT EXISTS (SELECT FROM UNNEST($2::uuid[], $3::text[]) AS n (device_id, id)
                             WHERE n.device_id = a.device_id AND n.id = a.id)`,
        [deviceIds, agents.map((agent) => agent.device_id), agents.map((agent) => agent.id)],
      );
      if (vanished === 0) return;
      await client.query(
        `DELETE FROM ai_agents a USING (
           SELECT device_id, id, row_number() OVER (PARTITION BY device_id ORDER BY last_seen_at DESC, id) AS place
             FROM ai_agents WHERE device_id = ANY ($1::uuid[]) AND state = 'gone') old
          WHERE old.place > $2 AND a.device_id = old.device_id AND a.id = old.id`,
        [deviceIds, MAX_GONE],
      );
    });
  }
}
