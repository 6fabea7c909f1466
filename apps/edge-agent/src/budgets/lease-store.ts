import type { DatabaseSync } from 'node:sqlite';
import type { Micros } from '@raypher/cost';
import type { Account } from './counter.ts';

/** A share of a counter that this machine may spend alone, also while the control plane is out of reach. */
export interface Lease extends Account {
  /** All that was granted in this period: what is spent and held of the account is taken from it. */
  readonly granted: Micros;
  /** Grows with each grant, so that one that comes late changes nothing. */
  readonly version: number;
  /** Milliseconds since the epoch, by the clock of this machine. */
  readonly until: number;
}

/** The leases in `agent.db`, one for each period of a counter. */
export class LeaseStore {
  readonly #db: DatabaseSync;
  readonly #of;
  readonly #put;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#of = db.prepare('SELECT * FROM budget_leases WHERE counter = ? AND starts_at = ?');
    this.#put = db.prepare(`
      INSERT INTO budget_leases (counter, starts_at, ends_at, granted, version, until) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET granted = excluded.granted, version = excluded.version, until = excluded.until
      WHERE excluded.version > version`);
  }

  of({ counter, startsAt }: Account): Lease | undefined {
    const row = this.#of.get(counter, startsAt);
    return row === undefined ? undefined : lease(row);
  }

  /** @returns false when this one or a later one is there */
  put({ counter, startsAt, endsAt, granted, version, until }: Lease): boolean {
    return Number(this.#put.run(counter, startsAt, endsAt, granted, version, until).changes) > 0;
  }

  /** Makes it smaller, of the same version: what was granted with it does not come back with a repetition. */
  lower({ counter, startsAt }: Account, granted: Micros): void {
    this.#db
      .prepare('UPDATE budget_leases SET granted = min(granted, ?) WHERE counter = ? AND starts_at = ?')
      .run(granted, counter, startsAt);
  }

  all(): Lease[] {
    return this.#db.prepare('SELECT * FROM budget_leases ORDER BY counter, starts_at').all().map(lease);
  }

  /** Forgets those of periods that ended before a moment. */
  prune(before: number): void {
    this.#db.prepare('DELETE FROM budget_leases WHERE ends_at < ?').run(before);
  }
}

function lease(row: Record<string, unknown>): Lease {
  return {
    counter: String(row.counter),
    startsAt: Number(row.starts_at),
    endsAt: Number(row.ends_at),
    granted: Number(row.granted),
    version: Number(row.version),
    until: Number(row.until),
  };
}
