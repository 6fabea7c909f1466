import type { DatabaseSync } from 'node:sqlite';
import { ActiveFreeze } from '@raypher/shared';

/**
 * Freezes that a person set at this machine. They are kept apart from those of the organisation.
 *
 * An emergency does not wait for the disk: a change that cannot be stored holds until the next start. The ledger
 * reports the disk itself.
 */
export class LocalFreezes {
  readonly #db: DatabaseSync;
  readonly #freezes: Map<string, ActiveFreeze>;

  constructor(db: DatabaseSync) {
    this.#db = db;
    const rows = db.prepare('SELECT payload FROM local_freezes ORDER BY id').all();
    const stored = rows.map((row) => ActiveFreeze.parse(JSON.parse(String(row.payload))));
    this.#freezes = new Map(stored.map((freeze) => [freeze.id, freeze]));
  }

  list(): ActiveFreeze[] {
    return [...this.#freezes.values()];
  }

  add(freeze: ActiveFreeze): void {
    this.#freezes.set(freeze.id, freeze);
    this.#attempt(() =>
      this.#db
        .prepare('INSERT OR REPLACE INTO local_freezes (id, payload) VALUES (?, ?)')
        .run(freeze.id, JSON.stringify(freeze)),
    );
  }

  remove(id: string): void {
    this.#freezes.delete(id);
    this.#attempt(() => this.#db.prepare('DELETE FROM local_freezes WHERE id = ?').run(id));
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch {
      // See above.
    }
  }
}
