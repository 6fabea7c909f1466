import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './database.ts';

/** When each AI agent was first and last seen on this device, over restarts. */
export class AiAgentSightings {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  firstSeen(): Map<string, number> {
    const rows = this.#db.prepare('SELECT id, first_seen FROM ai_agents').all();
    return new Map(rows.map((row) => [String(row.id), Number(row.first_seen)]));
  }

  saw(agents: readonly { id: string; name: string }[], now = Date.now()): void {
    if (agents.length === 0) return;
    const upsert = this.#db.prepare(
      `INSERT INTO ai_agents (id, name, first_seen, last_seen) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, last_seen = excluded.last_seen`,
    );
    inTransaction(this.#db, () => {
      for (const { id, name } of agents) upsert.run(id, name, now, now);
    });
  }
}
