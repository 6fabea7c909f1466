import type { DatabaseSync } from 'node:sqlite';
import { AdoptedAgent, type AdoptionStore } from '../guard/adopted-agent.ts';

/** Where AI agents were before they got a control group of their own; on disk before they are moved. */
export class AdoptedAgents implements AdoptionStore {
  readonly #db: DatabaseSync;
  readonly #failed: (error: unknown) => void;

  /**
   * @param failed told when the disk does not take a change: AI agents are adopted all the same, and only a restart
   *   before the disk recovers would not know where to return them
   */
  constructor(db: DatabaseSync, failed: (error: unknown) => void) {
    this.#db = db;
    this.#failed = failed;
  }

  load(): AdoptedAgent[] {
    const rows = this.#db.prepare('SELECT adopted FROM adopted_agents').all();
    return rows.map((row) => AdoptedAgent.parse(JSON.parse(String(row.adopted))));
  }

  save(adopted: AdoptedAgent): void {
    this.#attempt(() =>
      this.#db
        .prepare('INSERT OR REPLACE INTO adopted_agents (control_group, adopted) VALUES (?, ?)')
        .run(adopted.group, JSON.stringify(adopted)),
    );
  }

  remove(group: string): void {
    this.#attempt(() => this.#db.prepare('DELETE FROM adopted_agents WHERE control_group = ?').run(group));
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed(error);
    }
  }
}
