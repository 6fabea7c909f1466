import type { DatabaseSync } from 'node:sqlite';
import { ActiveFreeze } from '@raypher/shared';

/** Freezes that a person set at this machine. They are kept apart from those of the organisation. */
export class LocalFreezes {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  list(): ActiveFreeze[] {
    const rows = this.#db.prepare('SELECT payload FROM local_freezes ORDER BY id').all();
    return rows.map((row) => ActiveFreeze.parse(JSON.parse(String(row.payload))));
  }

  add(freeze: ActiveFreeze): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO local_freezes (id, payload) VALUES (?, ?)')
      .run(freeze.id, JSON.stringify(freeze));
  }

  remove(id: string): void {
    this.#db.prepare('DELETE FROM local_freezes WHERE id = ?').run(id);
  }
}
