import type { DatabaseSync } from 'node:sqlite';
import type { Micros } from '@raypher/cost';

/** One limit's money in one window, for one subject. */
export interface Account {
  readonly limitId: string;
  readonly subject: string;
  /** Start of the window, milliseconds since the epoch. */
  readonly startsAt: number;
}

export interface Balance {
  readonly spent: Micros;
  readonly reserved: Micros;
}

/** What a reservation holds of one account, and of the lease it was made under. */
export interface Hold extends Account {
  readonly leaseId: number | undefined;
}

export interface StoredReservation {
  readonly id: number;
  readonly amount: Micros;
  /** True when it was charged because nobody settled it in time. */
  readonly charged: boolean;
}

/** Sums stay within what JavaScript reads exactly. */
const MOST = Number.MAX_SAFE_INTEGER;

/** The accounts and reservations in `agent.db`. Transactions are the caller's. */
export class BudgetStore {
  readonly #db: DatabaseSync;
  readonly #balance;
  readonly #hold;
  readonly #move;
  readonly #warn;
  readonly #addReservation;
  readonly #addHold;
  readonly #reservation;
  readonly #holds;
  readonly #charge;
  readonly #remove;

  constructor(db: DatabaseSync) {
    this.#db = db;
    // Windows that began later are there when a limit's window was made longer: they are part of it.
    this.#balance = db.prepare(`
      SELECT min(total(spent), ${MOST}) AS spent, min(total(reserved), ${MOST}) AS reserved
      FROM budget_accounts WHERE limit_id = ? AND subject = ? AND starts_at >= ?`);
    this.#hold = db.prepare(`
      INSERT INTO budget_accounts (limit_id, subject, starts_at, spent, reserved, warned_percent, used_at)
      VALUES (?, ?, ?, 0, ?, 0, ?)
      ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved, used_at = excluded.used_at`);
    this.#move = db.prepare(`
      UPDATE budget_accounts SET spent = max(0, min(spent + ?, ${MOST})), reserved = reserved - ?
      WHERE limit_id = ? AND subject = ? AND starts_at = ?`);
    this.#warn = db.prepare(`
      UPDATE budget_accounts SET warned_percent = ?1
      WHERE limit_id = ?2 AND subject = ?3 AND starts_at = ?4 AND warned_percent < ?1`);
    this.#addReservation = db.prepare(
      'INSERT INTO budget_reservations (amount, made_at, charged) VALUES (?, ?, 0)',
    );
    this.#addHold = db.prepare('INSERT INTO budget_holds VALUES (?, ?, ?, ?, ?)');
    this.#reservation = db.prepare('SELECT id, amount, charged FROM budget_reservations WHERE id = ?');
    this.#holds = db.prepare('SELECT * FROM budget_holds WHERE reservation = ?');
    this.#charge = db.prepare('UPDATE budget_reservations SET charged = 1 WHERE id = ?');
    this.#remove = db.prepare('DELETE FROM budget_reservations WHERE id = ?');
  }

  /** The newest moment at which money was reserved; 0 when there was none. */
  latest(): number {
    return Number(this.#db.prepare('SELECT max(used_at) AS at FROM budget_accounts').get()?.at ?? 0);
  }

  balance({ limitId, subject, startsAt }: Account): Balance {
    const row = this.#balance.get(limitId, subject, startsAt);
    return { spent: Number(row?.spent), reserved: Number(row?.reserved) };
  }

  addReservation(amount: Micros, holds: readonly Hold[], at: number): number {
    const id = Number(this.#addReservation.run(amount, at).lastInsertRowid);
    for (const { limitId, subject, startsAt, leaseId } of holds) {
      this.#hold.run(limitId, subject, startsAt, amount, at);
      this.#addHold.run(id, limitId, subject, startsAt, leaseId ?? null);
    }
    return id;
  }

  reservation(id: number): StoredReservation | undefined {
    const row = this.#reservation.get(id);
    return row === undefined ? undefined : storedReservation(row);
  }

  holds(id: number): Hold[] {
    return this.#holds.all(id).map((row) => ({
      limitId: String(row.limit_id),
      subject: String(row.subject),
      startsAt: Number(row.starts_at),
      leaseId: row.lease === null ? undefined : Number(row.lease),
    }));
  }

  /** Adds to what is spent and takes from what is reserved. */
  move({ limitId, subject, startsAt }: Account, spent: number, reserved: Micros): void {
    this.#move.run(spent, reserved, limitId, subject, startsAt);
  }

  /** @returns false when this share of the account, or a larger one, was warned of before */
  warnOnce({ limitId, subject, startsAt }: Account, percent: number): boolean {
    return Number(this.#warn.run(percent, limitId, subject, startsAt).changes) > 0;
  }

  markCharged(id: number): void {
    this.#charge.run(id);
  }

  removeReservation(id: number): void {
    this.#remove.run(id);
  }

  /** Made at or before a moment; the oldest first. */
  reservationsUntil(at: number, charged: boolean, limit: number): StoredReservation[] {
    return this.#db
      .prepare(
        'SELECT id, amount, charged FROM budget_reservations WHERE charged = ? AND made_at <= ? ORDER BY id LIMIT ?',
      )
      .all(charged ? 1 : 0, at, limit)
      .map(storedReservation);
  }

  /** Forgets windows that began before a moment and hold nothing. */
  prune(before: number): void {
    this.#db.prepare('DELETE FROM budget_accounts WHERE starts_at < ? AND reserved = 0').run(before);
  }

  /** Brings windows and reservations that lie after a moment to it: what was spent in them stays spent. */
  bringBack(at: number): void {
    this.#db
      .prepare(`
        INSERT INTO budget_accounts (limit_id, subject, starts_at, spent, reserved, warned_percent, used_at)
        SELECT limit_id, subject, ?1, min(total(spent), ${MOST}), sum(reserved), max(warned_percent), ?1
        FROM budget_accounts WHERE starts_at > ?1 GROUP BY limit_id, subject
        ON CONFLICT DO UPDATE SET spent = min(spent + excluded.spent, ${MOST}),
          reserved = reserved + excluded.reserved, used_at = excluded.used_at`)
      .run(at);
    this.#db.prepare('DELETE FROM budget_accounts WHERE starts_at > ?').run(at);
    this.#db.prepare('UPDATE budget_accounts SET used_at = ?1 WHERE used_at > ?1').run(at);
    this.#db.prepare('UPDATE budget_holds SET starts_at = ?1 WHERE starts_at > ?1').run(at);
    this.#db.prepare('UPDATE budget_reservations SET made_at = ?1 WHERE made_at > ?1').run(at);
  }
}

function storedReservation(row: Record<string, unknown>): StoredReservation {
  return { id: Number(row.id), amount: Number(row.amount), charged: row.charged === 1 };
}
