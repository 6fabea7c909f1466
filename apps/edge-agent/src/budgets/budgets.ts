import type { DatabaseSync } from 'node:sqlite';
import type { Micros } from '@raypher/cost';
import { type ApplicableLimit, type Balance, periodAt } from '@raypher/policy';
import { inDurableTransaction, inTransaction } from '../store/database.ts';
import { type AccountState, BudgetStore, type DueWarning, type StoredReservation } from './budget-store.ts';
import { type Account, accountOf } from './counter.ts';
import { type KnownBalances, knownBalancesOf } from './known-balances.ts';
import { type Lease, LeaseStore } from './lease-store.ts';
import type { Hold, Spending } from './spending.ts';

export interface BudgetsOptions {
  /** Milliseconds since the epoch. */
  clock?: () => number;
  /** Whether other machines spend of the same counter: this one may then spend only what it was granted of it. */
  isShared?: (limit: ApplicableLimit) => boolean;
  /** The threshold of a counter was reached; told once for each period. */
  warned?: (warning: DueWarning) => void;
  /** What a call cost could not be written down; it is tried again with each {@link Budgets.sweep}. */
  failed?: (error: unknown) => void;
}

/** A lease and what was taken from it. */
export interface LeaseState extends Lease, Balance {}

/** Calls that were neither settled nor released for so long are charged in full: their process is gone. */
export const ABANDONED_AFTER_MS = 60 * 60_000;
/** For so long a charged call can still be settled, by a stream that outlived {@link ABANDONED_AFTER_MS}. */
const CORRECTABLE_FOR_MS = 24 * 60 * 60_000;
/** Two of the longest months: no period that still counts began earlier. */
const KEPT_MS = 62 * 24 * 60 * 60_000;
/** At a time; the rest comes with the next sweep. */
const SWEPT_AT_ONCE = 1_000;
const MOST_ACCOUNTS_SHOWN = 1_000;

const NOTHING_HELD: Hold = { settle: () => undefined, release: () => undefined };

/**
 * The counters behind the limits of policy, in `agent.db`: hold before a call, settle after it.
 *
 * Which limits bind a call, and whether it may go on, policy says; asking for the balances, deciding and holding happen
 * in one turn of the event loop, and the lock of the service keeps every other process away. Each step is one
 * transaction over all counters of the call, on disk before the call is sent, so that a crash in between makes nothing
 * free. What a call costs beyond what was held is recorded too, and counts from then on. Time never runs backwards
 * here: with its clock set back, the machine stays in the newest period it has seen.
 */
export class Budgets implements Spending {
  readonly #db: DatabaseSync;
  readonly #store: BudgetStore;
  readonly #leases: LeaseStore;
  readonly #options: BudgetsOptions;
  readonly #clock: () => number;
  /** What calls cost whose settling failed. */
  readonly #unsettled = new Map<number, Micros>();
  /** Of accounts, until something is written. */
  readonly #balances: KnownBalances;
  #latest: number;

  readonly isAlone = true;
  /** Nobody needs to be asked about what this machine counts alone. */
  prepare: Spending['prepare'] = () => Promise.resolve();

  constructor(db: DatabaseSync, options: BudgetsOptions = {}) {
    this.#db = db;
    this.#store = new BudgetStore(db);
    this.#balances = knownBalancesOf(db, this.#store);
    this.#leases = new LeaseStore(db);
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#latest = this.#store.latest();
  }

  /**
   * What is not granted to this machine counts as spent: others may be spending it.
   *
   * @throws what SQLite throws when the store is unavailable: without balances policy lets every limit hold
   */
  balancesOf(limits: readonly ApplicableLimit[]): Record<string, Balance> {
    const now = this.now();
    const counted = limits.filter(({ per }) => per !== 'request');
    return Object.fromEntries(
      counted.map((limit) => [limit.counter, this.#balanceOf(limit, accountOf(limit, now), now)]),
    );
  }

  /**
   * Holds an amount of all counters, whatever their balances: policy has decided.
   *
   * @throws RangeError when the amount is no whole number of micro-dollars; what SQLite throws when the store is
   * unavailable: nothing is held then, and the call must not be sent
   */
  hold(limits: readonly ApplicableLimit[], amount: Micros): Hold {
    requireMicros(amount);
    const counted = limits.filter(({ per }) => per !== 'request');
    if (counted.length === 0) return NOTHING_HELD;
    const now = this.now();
    const id = this.#write(() => {
      const reservation = this.#store.addReservation(amount, now);
      for (const limit of counted) {
        // How much all machines together have spent, only the control plane knows.
        const warnAt = this.#isShared(limit) ? undefined : limit.warnAt;
        this.#store.addHold(reservation, accountOf(limit, now), amount, limit, warnAt, now);
      }
      return reservation;
    });
    return { settle: (actual) => this.#settle(id, actual), release: () => this.#settle(id, 0) };
  }

  /** The end of the period; undefined for a single request, and for an amount above the limit itself. */
  resetsAt(limit: ApplicableLimit, amount: Micros = 0): number | undefined {
    if (limit.per === 'request' || amount > limit.amount) return undefined;
    return periodAt(limit.per, limit.zone, this.now()).endsAt;
  }

  /**
   * Charges, as much as was held, the calls that were made more than {@link ABANDONED_AFTER_MS} ago and never
   * settled: a crash between the two does not make a call free. Until then their money stays held. To be called
   * at start and every few minutes.
   */
  sweep(): void {
    for (const [id, actual] of [...this.#unsettled]) this.#settle(id, actual);
    const now = this.now();
    const warnings = this.#write(() => {
      const overdue = this.#store.reservationsUntil(now - ABANDONED_AFTER_MS, false, SWEPT_AT_ONCE);
      const due = overdue.flatMap((reservation) => this.#charge(reservation));
      for (const { id } of this.#store.reservationsUntil(now - CORRECTABLE_FOR_MS, true, SWEPT_AT_ONCE)) {
        this.#store.removeReservation(id);
      }
      this.#store.prune(now - KEPT_MS, now - ABANDONED_AFTER_MS);
      this.#leases.prune(now - KEPT_MS);
      return due;
    });
    this.#tell(warnings);
  }

  /** Counters that were used in a period that is not over, those used last first. */
  accounts(): AccountState[] {
    return this.#store.accounts(this.now(), MOST_ACCOUNTS_SHOWN);
  }

  /** Names the store, so that the control plane knows a fresh one from the one it granted to. */
  get storeName(): string {
    return this.#store.name();
  }

  /** Milliseconds since the epoch, never less than before. */
  now(): number {
    this.#latest = Math.max(this.#latest, this.#clock());
    return this.#latest;
  }

  /**
   * Takes a time that is known to be true, from the control plane: when the clock of this machine was ahead, what
   * was spent in periods of that time counts in the present ones.
   */
  correctClock(trueNow: number): void {
    if (trueNow >= this.#latest) return;
    this.#write(() => this.#store.bringBack(trueNow));
    this.#latest = trueNow;
  }

  /**
   * Takes what the control plane grants.
   *
   * @param spentAtLeast what it knows to be spent of it: a store that was put back to an older state has forgotten some
   * @returns false when it is there already, or a later one is
   */
  grant(lease: Lease, spentAtLeast: Micros = 0): boolean {
    requireMicros(lease.granted);
    return this.#write(() => {
      if (!this.#leases.put(lease)) return false;
      if (spentAtLeast > 0) this.#store.raiseSpent(lease, spentAtLeast, this.#latest);
      return true;
    });
  }

  /** The lease in the present period. */
  leaseOf(limit: ApplicableLimit): LeaseState | undefined {
    const lease = this.#leases.of(accountOf(limit, this.now()));
    return lease === undefined ? undefined : this.#stateOf(lease);
  }

  leases(): LeaseState[] {
    return this.#leases.all().map((lease) => this.#stateOf(lease));
  }

  /** Keeps no more of a lease than is spent and held, on disk before anybody is told. */
  giveBack(account: Account): void {
    inDurableTransaction(this.#db, () => {
      const { spent, reserved } = this.#store.balance(account);
      this.#leases.lower(account, spent + reserved);
    });
  }

  #write<T>(work: () => T): T {
    try {
      return inTransaction(this.#db, work);
    } finally {
      this.#balances.forget();
    }
  }

  #stateOf(lease: Lease): LeaseState {
    return { ...lease, ...this.#store.balance(lease) };
  }

  #isShared(limit: ApplicableLimit): boolean {
    return this.#options.isShared?.(limit) ?? false;
  }

  #balanceOf(limit: ApplicableLimit, account: Account, now: number): Balance {
    const { spent, reserved } = this.#balances.of(account);
    if (!this.#isShared(limit)) return { spent, reserved };
    const lease = this.#leases.of(account);
    const granted = lease === undefined || now >= lease.until ? 0 : lease.granted;
    const left = Math.max(0, granted - spent - reserved);
    // Never less than was spent: a share larger than the limit does not lift it.
    return { spent: Math.max(spent, limit.amount - reserved - left), reserved };
  }

  #settle(id: number, actual: Micros): void {
    requireMicros(actual);
    let warnings: DueWarning[];
    try {
      warnings = this.#write(() => {
        const reservation = this.#store.reservation(id);
        return reservation === undefined ? [] : this.#close(reservation, actual);
      });
    } catch (error) {
      // The answer is on its way already. Its money stays held, and is charged in full if it never works.
      this.#unsettled.set(id, actual);
      this.#options.failed?.(error);
      return;
    }
    this.#unsettled.delete(id);
    // The next call asks for them, and waits for the answer; nobody waits here.
    this.#balances.recall();
    this.#tell(warnings);
  }

  #close({ id, amount, charged }: StoredReservation, actual: Micros): DueWarning[] {
    const warnings = this.#move(id, charged ? actual - amount : actual, charged ? 0 : amount);
    this.#store.removeReservation(id);
    return warnings;
  }

  #charge({ id, amount }: StoredReservation): DueWarning[] {
    this.#store.markCharged(id);
    return this.#move(id, amount, amount);
  }

  #move(id: number, spent: number, freed: Micros): DueWarning[] {
    return this.#store.holds(id).flatMap((account) => {
      this.#store.move(account, spent, freed);
      return this.#store.takeWarning(account, this.now()) ?? [];
    });
  }

  #tell(warnings: readonly DueWarning[]): void {
    for (const warning of warnings) this.#options.warned?.(warning);
  }
}

function requireMicros(amount: Micros): void {
  if (!Number.isSafeInteger(amount) || amount < 0) {
    throw new RangeError(`${amount} is no whole number of micro-dollars.`);
  }
}
