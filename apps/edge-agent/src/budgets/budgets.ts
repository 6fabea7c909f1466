import type { DatabaseSync } from 'node:sqlite';
import type { Micros } from '@raypher/cost';
import { inTransaction } from '../store/database.ts';
import type { BudgetedCall, BudgetLimit } from './budget-limit.ts';
import { type Balance, BudgetStore, type Hold, type StoredReservation } from './budget-store.ts';
import { type Lease, LeaseStore } from './lease-store.ts';
import { type ApplyingLimit, LimitIndex } from './limit-index.ts';

/** Money held for a call until it is settled or released. */
export interface Reservation {
  readonly allowed: true;
  /** 0 when no limit applies and nothing is held. */
  readonly id: number;
}

/** A limit that a call would break. */
export interface Refusal extends Balance {
  readonly allowed: false;
  /** `lease`: the limit itself has room, and this machine's share of it is used up or over. */
  readonly because: 'limit' | 'lease';
  readonly limit: BudgetLimit;
  readonly subject: string;
  /** Undefined where waiting does not help: one call is too dear, or a lease is used up. */
  readonly resetsAt: number | undefined;
}

/** A share of a limit that has just been reached, told once for each window. */
export interface BudgetWarning extends Balance {
  readonly limit: BudgetLimit;
  readonly subject: string;
  readonly percent: number;
}

/** Calls that were neither settled nor released for so long are charged in full: their process is gone. */
export const ABANDONED_AFTER_MS = 60 * 60_000;
/** For so long a charged call can still be settled, by a stream that outlived {@link ABANDONED_AFTER_MS}. */
const CORRECTABLE_FOR_MS = 24 * 60 * 60_000;
/** Two of the longest months: no window that still counts began earlier. */
const KEPT_MS = 62 * 24 * 60 * 60_000;
/** At a time; the rest comes with the next sweep. */
const SWEPT_AT_ONCE = 1_000;

/**
 * Holds calls to their limits: reserve before the call, settle after it.
 *
 * Each step is one transaction over all limits of the call, so that neither concurrency nor a crash in between can
 * spend beyond a limit. What a call costs beyond its reservation is recorded too, and counts from then on.
 * Time never runs backwards here: a clock that is set back stays in the newest window it has seen.
 */
export class Budgets {
  readonly #db: DatabaseSync;
  readonly #store: BudgetStore;
  readonly #leases: LeaseStore;
  readonly #clock: () => number;
  #limits: LimitIndex;
  #latest: number;

  /**
   * @param limits as {@link BudgetLimit} describes them
   * @param clock milliseconds since the epoch
   */
  constructor(db: DatabaseSync, limits: readonly unknown[], clock: () => number = Date.now) {
    this.#db = db;
    this.#store = new BudgetStore(db);
    this.#leases = new LeaseStore(db);
    this.#limits = new LimitIndex(limits);
    this.#clock = clock;
    this.#latest = this.#store.latest();
  }

  /** What was spent stays with the id of its limit. @throws RaypherError when one is not valid; all stay as they were */
  setLimits(limits: readonly unknown[]): void {
    this.#limits = new LimitIndex(limits);
  }

  /**
   * Holds the most that a call can cost, of all its limits or of none.
   *
   * @throws RangeError when the amount is no whole number of micro-dollars; what SQLite throws when the store is
   * unavailable: the call is then not covered by any budget
   */
  reserve(call: BudgetedCall, amount: Micros): Reservation | Refusal {
    requireMicros(amount);
    const applying = this.#limits.applyingTo(call);
    if (applying.length === 0) return { allowed: true, id: 0 };
    const now = this.#now();
    return inTransaction(this.#db, () => {
      const tried = applying.map((one) => this.#try(one, amount, now));
      const refusals = tried.flatMap(({ refusal }) => refusal ?? []);
      const refusal = refusals.toSorted((a, b) => resetOf(b) - resetOf(a))[0];
      if (refusal !== undefined) return refusal;
      const holds = tried.flatMap(({ hold }) => hold ?? []);
      if (holds.length === 0) return { allowed: true, id: 0 };
      for (const { leaseId } of holds) if (leaseId !== undefined) this.#leases.move(leaseId, 0, amount);
      return { allowed: true, id: this.#store.addReservation(amount, holds, now) };
    });
  }

  /**
   * Charges what a call has cost and frees the rest. Works once for each reservation, also after it was charged as
   * abandoned.
   *
   * @returns shares of limits that were reached with it
   */
  settle(id: number, actual: Micros): BudgetWarning[] {
    requireMicros(actual);
    return inTransaction(this.#db, () => {
      const reservation = this.#store.reservation(id);
      return reservation === undefined ? [] : this.#close(reservation, actual);
    });
  }

  /** For a call that was never sent: nothing is charged. */
  release(id: number): void {
    this.settle(id, 0);
  }

  /**
   * Charges, as much as was reserved, the calls that were made more than {@link ABANDONED_AFTER_MS} ago and never
   * settled: a crash between the two does not make a call free. Until then their money stays held. To be called
   * at start and every few minutes.
   */
  chargeAbandoned(): BudgetWarning[] {
    const now = this.#now();
    return inTransaction(this.#db, () => {
      const overdue = this.#store.reservationsUntil(now - ABANDONED_AFTER_MS, false, SWEPT_AT_ONCE);
      const warnings = overdue.flatMap((reservation) => this.#charge(reservation));
      for (const { id } of this.#store.reservationsUntil(now - CORRECTABLE_FOR_MS, true, SWEPT_AT_ONCE)) {
        this.#store.removeReservation(id);
      }
      this.#store.prune(now - KEPT_MS);
      return warnings;
    });
  }

  /** In the present window. */
  balanceOf(limitId: string, subject: string): Balance | undefined {
    const limit = this.#limits.of(limitId);
    if (limit === undefined) return undefined;
    const { startsAt } = this.#limits.windowAt(limit, this.#now());
    return this.#store.balance({ limitId, subject, startsAt });
  }

  /**
   * Takes a time that is known to be true, from the control plane: when the clock of this machine was ahead, what
   * was spent in windows of that time counts in the present ones.
   */
  correctClock(trueNow: number): void {
    if (trueNow >= this.#latest) return;
    inTransaction(this.#db, () => this.#store.bringBack(trueNow));
    this.#latest = trueNow;
  }

  /**
   * Lets this machine spend so much of a limit with `leased`. It replaces the lease before it, whose rest is no
   * longer available; {@link Budgets.leases} says what was used of each.
   *
   * @param until milliseconds since the epoch
   * @returns its id
   */
  grantLease(limitId: string, micros: Micros, until: number): number {
    requireMicros(micros);
    return this.#leases.add(limitId, micros, until);
  }

  /** All that are not forgotten, the oldest first. */
  leases(): Lease[] {
    return this.#leases.all();
  }

  /** When the control plane has taken note of it. @returns false while it still holds money */
  forgetLease(id: number): boolean {
    return this.#leases.remove(id);
  }

  #now(): number {
    this.#latest = Math.max(this.#latest, this.#clock());
    return this.#latest;
  }

  #try({ limit, subject }: ApplyingLimit, amount: Micros, now: number): { hold?: Hold; refusal?: Refusal } {
    const { startsAt, endsAt } = this.#limits.windowAt(limit, now);
    const refused = { allowed: false, because: 'limit', limit, subject } as const;
    if (limit.window === 'request') {
      if (amount <= limit.limitMicros) return {};
      return { refusal: { ...refused, spent: 0, reserved: 0, resetsAt: undefined } };
    }
    const account = { limitId: limit.id, subject, startsAt };
    const balance = this.#store.balance(account);
    if (amount > limit.limitMicros - balance.spent - balance.reserved) {
      // A new window does not help a call that is too dear for an empty one.
      const resetsAt = amount > limit.limitMicros ? undefined : endsAt;
      return { refusal: { ...refused, ...balance, resetsAt } };
    }
    if (!limit.leased) return { hold: { ...account, leaseId: undefined } };
    const lease = this.#leases.newest(limit.id);
    if (lease !== undefined && now < lease.until && amount <= lease.micros - lease.spent - lease.reserved) {
      return { hold: { ...account, leaseId: lease.id } };
    }
    return { refusal: { ...refused, because: 'lease', ...balance, resetsAt: undefined } };
  }

  #close(reservation: StoredReservation, actual: Micros): BudgetWarning[] {
    const { id, amount, charged } = reservation;
    const warnings = this.#move(id, charged ? actual - amount : actual, charged ? 0 : amount);
    this.#store.removeReservation(id);
    return warnings;
  }

  #charge({ id, amount }: StoredReservation): BudgetWarning[] {
    this.#store.markCharged(id);
    return this.#move(id, amount, amount);
  }

  #move(id: number, spent: number, freed: Micros): BudgetWarning[] {
    return this.#store.holds(id).flatMap((hold) => {
      this.#store.move(hold, spent, freed);
      if (hold.leaseId !== undefined) this.#leases.move(hold.leaseId, spent, -freed);
      return this.#warningFor(hold) ?? [];
    });
  }

  #warningFor(hold: Hold): BudgetWarning | undefined {
    const limit = this.#limits.of(hold.limitId);
    if (limit === undefined || limit.warnAt.length === 0) return undefined;
    const { startsAt } = this.#limits.windowAt(limit, this.#now());
    if (hold.startsAt < startsAt) return undefined;
    const balance = this.#store.balance({ ...hold, startsAt });
    const reached = limit.warnAt.filter((share) => isShareReached(balance.spent, limit.limitMicros, share));
    const percent = Math.max(0, ...reached);
    if (percent === 0 || !this.#store.warnOnce(hold, percent)) return undefined;
    return { limit, subject: hold.subject, percent, ...balance };
  }
}

function isShareReached(spent: Micros, limit: Micros, percent: number): boolean {
  return BigInt(spent) * 100n >= BigInt(limit) * BigInt(percent);
}

function resetOf(refusal: Refusal): number {
  return refusal.resetsAt ?? Number.POSITIVE_INFINITY;
}

function requireMicros(amount: Micros): void {
  if (!Number.isSafeInteger(amount) || amount < 0) {
    throw new RangeError(`${amount} is no whole number of micro-dollars.`);
  }
}
