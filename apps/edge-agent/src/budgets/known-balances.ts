import type { DatabaseSync } from 'node:sqlite';
import type { Balance } from '@raypher/policy';
import type { BudgetStore } from './budget-store.ts';
import type { Account } from './counter.ts';

/** What is asked again is remembered for so many accounts. */
const MOST = 64;

/**
 * Balances as they were read last, in memory: several questions about a call, and the next call, ask for the same ones.
 * They are what the file says, because whoever writes to the counters makes all of them forgotten.
 */
export class KnownBalances {
  readonly #store: BudgetStore;
  readonly #known = new Map<string, { readonly account: Account; readonly balance: Balance }>();
  #lately: Account[] = [];

  constructor(store: BudgetStore) {
    this.#store = store;
  }

  /** @throws what SQLite throws when the store is unavailable */
  of(account: Account): Balance {
    const key = `${account.startsAt} ${account.counter}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known.balance;
    const balance = this.#store.balance(account);
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(key, { account, balance });
    return balance;
  }

  /** Something was written, or failed to be. */
  forget(): void {
    if (this.#known.size === 0) return;
    this.#lately = [...this.#known.values()].map(({ account }) => account);
    this.#known.clear();
  }

  /** Reads anew what was forgotten last. */
  recall(): void {
    const lately = this.#lately;
    this.#lately = [];
    try {
      for (const account of lately) this.of(account);
    } catch {
      // Whoever asks will see it.
    }
  }
}

const byStore = new WeakMap<DatabaseSync, KnownBalances>();

/** One for each store, whoever counts in it; whoever begins to, begins with what the file says. */
export function knownBalancesOf(db: DatabaseSync, store: BudgetStore): KnownBalances {
  const known = byStore.get(db) ?? new KnownBalances(store);
  byStore.set(db, known);
  known.forget();
  return known;
}
