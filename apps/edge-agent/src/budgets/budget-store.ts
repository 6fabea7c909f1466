import type { DatabaseSync } from 'node:sqlite';
import type { Micros } from '@raypher/cost';
import type { ApplicableLimit, Balance } from '@raypher/policy';
import type { Account } from './counter.ts';

export interface StoredReservation {
  readonly id: number;
  readonly amount: Micros;
  /** True when it was charged because nobody settled it in time. */
  readonly charged: boolean;
}

/** An account as it stands. */
export interface AccountState extends Account, Balance {
  /** The limit when money was last held. */
  readonly amount: Micros;
  readonly usedAt: number;
}

export interface DueWarning extends AccountState {
  readonly warnAt: Micros;
}

/** Sums stay within what JavaScript reads exactly. */
const MOST = Number.MAX_SAFE_INTEGER;

/** The accounts and reservations in `agent.db`. Transactions are the caller's. */
export class BudgetStore {
  readonly #db: DatabaseSync;
  readonly #balance;
  readonly #hold;
  readonly #move;
  readonly #due;
  readonly #warned;
  readonly #raise;
  readonly #addReservation;
  readonly #addHold;
  readonly #reservation;
  readonly #holds;
  readonly #charge;
  readonly #remove;

  constructor(db: DatabaseSync) {
    this.#db = db;
    // By their end: after a change of the zone, what was spent in a period that overlaps this one counts in it.
    this.#balance = db.prepare(`
      SELECT min(total(spent), ${MOST}) AS spent, min(total(reserved), ${MOST}) AS reserved
      FROM budget_accounts WHERE counter = ? AND ends_at > ?`);
    this.#hold = db.prepare(`
      INSERT INTO budget_accounts (counter, starts_at, ends_at, spent, reserved, amount, warn_at, warned_at, used_at)
      VALUES (?, ?, ?, 0, ?, ?, ?, 0, ?)
      ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved, used_at = excluded.used_at,
        amount = excluded.amount, warn_at = excluded.warn_at`);
    this.#move = db.prepare(`
      UPDATE budget_accounts SET spent = max(0, min(spent + ?, ${MOST})), reserved = reserved - ?
      WHERE counter = ? AND starts_at = ?`);
    this.#due = db.prepare(`
      SELECT * FROM budget_accounts
      WHERE counter = ? AND starts_at = ? AND ends_at > ? AND spent >= warn_at AND warned_at < warn_at`);
    this.#warned = db.prepare(
      'UPDATE budget_accounts SET warned_at = warn_at WHERE counter = ? AND starts_at = ?',
    );
    this.#raise = db.prepare(`
      INSERT INTO budget_accounts (counter, starts_at, ends_at, spent, reserved, amount, warn_at, warned_at, used_at)
      VALUES (?, ?, ?, ?, 0, 0, NULL, 0, ?)
      ON CONFLICT DO UPDATE SET spent = max(spent, excluded.spent)`);
    this.#addReservation = db.prepare(
      'INSERT INTO budget_reservations (amount, made_at, charged) VALUES (?, ?, 0)',
    );
    this.#addHold = db.prepare('INSERT OR IGNORE INTO budget_holds VALUES (?, ?, ?)');
    this.#reservation = db.prepare('SELECT id, amount, charged FROM budget_reservations WHERE id = ?');
    this.#holds = db.prepare(`
      SELECT counter, starts_at, ends_at FROM budget_holds JOIN budget_accounts USING (counter, starts_at)
      WHERE reservation = ?`);
    this.#charge = db.prepare('UPDATE budget_reservations SET charged = 1 WHERE id = ?');
    this.#remove = db.prepare('DELETE FROM budget_reservations WHERE id = ?');
  }

  /** Names this file; a fresh one has another name. */
  name(): string {
    return String(this.#db.prepare('SELECT name FROM budget_store').get()?.name ?? '');
  }

  /** The newest moment at which money was reserved; 0 when there was none. */
  latest(): number {
    return Number(this.#db.prepare('SELECT max(used_at) AS at FROM budget_accounts').get()?.at ?? 0);
  }

  balance({ counter, startsAt }: Account): Balance {
    const row = this.#balance.get(counter, startsAt);
    return { spent: Number(row?.spent), reserved: Number(row?.reserved) };
  }

  /** All whose period is not over at a moment; those used last come first. */
  accounts(at: number, limit: number): AccountState[] {
    return this.#db
      .prepare('SELECT * FROM budget_accounts WHERE ends_at > ? ORDER BY used_at DESC, counter LIMIT ?')
      .all(at, limit)
      .map(accountState);
  }

  addReservation(amount: Micros, at: number): number {
    return Number(this.#addReservation.run(amount, at).lastInsertRowid);
  }

  /** @param warnAt undefined where no warning is wanted */
  addHold(
    reservation: number,
    { counter, startsAt, endsAt }: Account,
    held: Micros,
    { amount }: Pick<ApplicableLimit, 'amount'>,
    warnAt: Micros | undefined,
    at: number,
  ): void {
    const { changes } = this.#addHold.run(reservation, counter, startsAt);
    if (Number(changes) === 0) return;
    this.#hold.run(counter, startsAt, endsAt, held, amount, warnAt ?? null, at);
  }

  reservation(id: number): StoredReservation | undefined {
    const row = this.#reservation.get(id);
    return row === undefined ? undefined : storedReservation(row);
  }

  holds(id: number): Account[] {
    return this.#holds.all(id).map(account);
  }

  /** Adds to what is spent and takes from what is reserved. */
  move({ counter, startsAt }: Account, spent: number, reserved: Micros): void {
    this.#move.run(spent, reserved, counter, startsAt);
  }

  /** @returns undefined when nothing is due, it was warned of before, or the period is over */
  takeWarning({ counter, startsAt }: Account, now: number): DueWarning | undefined {
    const row = this.#due.get(counter, startsAt, now);
    if (row === undefined) return undefined;
    this.#warned.run(counter, startsAt);
    return { ...accountState(row), warnAt: Number(row.warn_at) };
  }

  /** So much was spent at least, as somebody else remembers. */
  raiseSpent({ counter, startsAt, endsAt }: Account, spent: Micros, at: number): void {
    this.#raise.run(counter, startsAt, endsAt, spent, at);
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

  /**
   * Forgets periods that began before a moment and hold nothing, and those in which nothing was spent that were used
   * before another: programs make up names of models. The one used last stays; it says how late it is.
   */
  prune(before: number, emptyBefore: number): void {
    this.#db
      .prepare(`
        DELETE FROM budget_accounts WHERE reserved = 0
          AND (starts_at < ? OR spent = 0 AND used_at < ? AND used_at < (SELECT max(used_at) FROM budget_accounts))`)
      .run(before, emptyBefore);
  }

  /** Brings periods and reservations that lie after a moment to it: what was spent in them stays spent. */
  bringBack(at: number): void {
    this.#db
      .prepare(`
        INSERT INTO budget_accounts
          (counter, starts_at, ends_at, spent, reserved, amount, warn_at, warned_at, used_at)
        SELECT counter, ?1, ?1 + 1, min(total(spent), ${MOST}), sum(reserved), max(amount), max(warn_at),
          max(warned_at), ?1
        FROM budget_accounts WHERE starts_at > ?1 GROUP BY counter
        ON CONFLICT DO UPDATE SET spent = min(spent + excluded.spent, ${MOST}),
          reserved = reserved + excluded.reserved, used_at = excluded.used_at`)
      .run(at);
    this.#db.prepare('DELETE FROM budget_accounts WHERE starts_at > ?').run(at);
    this.#db.prepare('UPDATE budget_accounts SET used_at = ?1 WHERE used_at > ?1').run(at);
    this.#db.prepare('UPDATE budget_holds SET starts_at = ?1 WHERE starts_at > ?1').run(at);
    this.#db.prepare('UPDATE budget_reservations SET made_at = ?1 WHERE made_at > ?1').run(at);
  }
}

function account(row: Record<string, unknown>): Account {
  return { counter: String(row.counter), startsAt: Number(row.starts_at), endsAt: Number(row.ends_at) };
}

function accountState(row: Record<string, unknown>): AccountState {
  return {
    ...account(row),
    spent: Number(row.spent),
    reserved: Number(row.reserved),
    amount: Number(row.amount),
    usedAt: Number(row.used_at),
  };
}

function storedReservation(row: Record<string, unknown>): StoredReservation {
  return { id: Number(row.id), amount: Number(row.amount), charged: row.charged === 1 };
}
