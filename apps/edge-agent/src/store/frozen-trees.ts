import type { DatabaseSync } from 'node:sqlite';
import { type FreezeStore, FrozenTree } from '../response/frozen-tree.ts';

/** What is held suspended, on disk before it is touched. */
export class FrozenTrees implements FreezeStore {
  readonly #db: DatabaseSync;
  readonly #failed: (error: unknown) => void;

  /**
   * @param failed told when the disk does not take a change: an emergency goes on without it, and only a
   *   restart before the disk recovers would not know what to thaw
   */
  constructor(db: DatabaseSync, failed: (error: unknown) => void) {
    this.#db = db;
    this.#failed = failed;
  }

  load(): FrozenTree[] {
    const rows = this.#db.prepare('SELECT tree FROM frozen_trees').all();
    return rows.map((row) => FrozenTree.parse(JSON.parse(String(row.tree))));
  }

  save(tree: FrozenTree): void {
    this.#attempt(() =>
      this.#db
        .prepare('INSERT OR REPLACE INTO frozen_trees (id, tree) VALUES (?, ?)')
        .run(tree.id, JSON.stringify(tree)),
    );
  }

  remove(id: string): void {
    this.#attempt(() => this.#db.prepare('DELETE FROM frozen_trees WHERE id = ?').run(id));
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed(error);
    }
  }
}
