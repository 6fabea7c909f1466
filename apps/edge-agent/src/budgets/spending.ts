import type { Micros } from '@raypher/cost';
import type { ApplicableLimit, Balance } from '@raypher/policy';

/** Money that is held for one call until it is known what it cost. */
export interface Hold {
  /** Charges what it cost; the rest is free again. */
  settle(actual: Micros): void;
  /** Nothing was sent. */
  release(): void;
}

/**
 * The counters behind the limits that policy names. Looking at the balances, deciding and holding happen in one turn
 * of the event loop, so that concurrent calls cannot all see the same money.
 */
export interface Spending {
  /** Nobody else spends of what is counted here: there is nothing to {@link Spending.prepare}. */
  readonly isAlone?: boolean;
  /**
   * Before the turn: asks for shares of limits that other devices spend of too, so that a call is not refused only
   * because nobody asked yet. Returns at once when nothing is lacking or nobody can be asked.
   *
   * @param amount works out what the call costs at most, undefined where nobody can say; only called when it matters
   */
  prepare(limits: readonly ApplicableLimit[], amount: () => Micros | undefined): Promise<void>;
  /** By {@link ApplicableLimit.counter}. @throws when the store cannot be used: the limits then hold */
  balancesOf(limits: readonly ApplicableLimit[]): Record<string, Balance>;
  /** Holds the most that a call can cost. It was decided already; the store only counts. */
  hold(limits: readonly ApplicableLimit[], amount: Micros): Hold;
  /**
   * When the earliest moment comes at which this limit has room again; undefined: never by itself.
   *
   * @param amount of the call: waiting does not help one that is too dear for an empty budget
   */
  resetsAt(limit: ApplicableLimit, amount?: Micros): number | undefined;
}
