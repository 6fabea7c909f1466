import type { DatabaseSync } from 'node:sqlite';
import type { Micros } from '@raypher/cost';

/** A share of a limit that this machine may spend alone, also while the control plane is out of reach. */
export interface Lease {
  readonly id: number;
  readonly limitId: string;
  readonly micros: Micros;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** May exceed `micros` when a call cost more than was reserved for it. */
  readonly spent: Micros;
  readonly reserved: Micros;
}

/** The leases in `agent.db`. Of each limit the newest is drawn from; older ones wait for what they still hold. */
export class LeaseStore {
  readonly #db: DatabaseSync;
  readonly #newest;
  readonly #move;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#newest = db.prepare('SELECT * FROM budget_leases WHERE limit_id = ? ORDER BY id DESC LIMIT 1');
    this.#move = db.prepare(
      'UPDATE budget_leases SET spent = spent + ?, reserved = reserved + ? WHERE id = ?',
    );
  }

  add(limitId: string, micros: Micros, until: number): number {
    const { lastInsertRowid } = this.#db
      .prepare('INSERT INTO budget_leases (limit_id, micros, until, spent, reserved) VALUES (?, ?, ?, 0, 0)')
      .run(limitId, micros, until);
    return Number(lastInsertRowid);
  }

  newest(limitId: string): Lease | undefined {
    const row = this.#newest.get(limitId);
    return row === undefined ? undefined : lease(row);
  }

  all(): Lease[] {
    return this.#db.prepare('SELECT * FROM budget_leases ORDER BY id').all().map(lease);
  }

  move(id: number, spent: number, reserved: number): void {
    this.#move.run(spent, reserved, id);
  }

  /** @returns false while calls that were made under it are not settled */
  remove(id: number): boolean {
    const { changes } = this.#db.prepare('DELETE FROM budget_leases WHERE id = ? AND reserved = 0').run(id);
    return Number(changes) > 0;
  }
}

function lease(row: Record<string, unknown>): Lease {
  return {
    id: Number(row.id),
    limitId: String(row.limit_id),
    micros: Number(row.micros),
    until: Number(row.until),
    spent: Number(row.spent),
    reserved: Number(row.reserved),
  };
}
