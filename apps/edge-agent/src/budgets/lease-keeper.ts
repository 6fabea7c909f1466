import type { Micros } from '@raypher/cost';
import { type ApplicableLimit, type Balance, isSharedByDevices } from '@raypher/policy';
import { type BudgetLease, type BudgetReport, CounterReport } from '@raypher/shared';
import type { Budgets, LeaseState } from './budgets.ts';
import { type Account, accountOf } from './counter.ts';
import type { Hold, Spending } from './spending.ts';

export interface LeaseKeeperParts {
  budgets: Budgets;
  /** Of the policy in force. */
  revision: () => number;
  /** @returns false while there is no connection */
  send: (report: BudgetReport) => boolean;
  /** The clock as it is, milliseconds since the epoch. */
  clock?: () => number;
}

/** A call does not wait longer for a share; without one the limit holds. */
const ANSWER_WITHIN_MS = 3_000;
/** What calls use up within so long is asked for together. */
const GATHER_MS = 100;
const TICK_MS = 60_000;
/** A share that nobody here has used for so long goes back to the others. */
const IDLE_MS = 10 * 60_000;
/** Leases are renewed when less than this is left of them. */
const RENEW_BELOW_MS = 30 * 60_000;
/** Late calls of a period are told for so long after its end. */
const LATE_MS = 2 * 24 * 60 * 60_000;
/** The control plane takes no more in one report. */
const MOST_COUNTERS = 256;
/** Two clocks that are so far apart do not agree. */
const SAME_TIME_MS = 5 * 60_000;
const MOST_UNANSWERED = 16;

interface Use {
  /** Spent and held when it was told last. */
  told: number;
  toldSpent: number;
  usedAt: number;
  /** The largest call since. */
  largest: Micros;
}

interface Need {
  readonly account: Account;
  readonly limit: ApplicableLimit;
  readonly amount: Micros;
}

/**
 * Spends of limits that other devices spend of too: asks the control plane for shares before they are needed, tells
 * what was spent, and gives back what is not used. Offline it goes on with what it has, until that ends.
 */
export class LeaseKeeper implements Spending {
  readonly #parts: LeaseKeeperParts;
  readonly #budgets: Budgets;
  readonly #clock: () => number;
  readonly #uses = new Map<string, Use>();
  readonly #needs = new Map<string, Need>();
  /** Reports without an answer, and when each was sent by the clock of the budgets. */
  readonly #asked = new Map<bigint, number>();
  readonly #waiting = new Set<{ report: bigint; done: () => void }>();
  #reports = 0n;
  #soon: NodeJS.Timeout | undefined;
  readonly #ticking: NodeJS.Timeout;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
    this.#budgets = parts.budgets;
    this.#clock = parts.clock ?? Date.now;
    this.#ticking = setInterval(() => this.tick(), TICK_MS).unref();
  }

  balancesOf(limits: readonly ApplicableLimit[]): Record<string, Balance> {
    return this.#budgets.balancesOf(limits);
  }

  hold(limits: readonly ApplicableLimit[], amount: Micros): Hold {
    const hold = this.#budgets.hold(limits, amount);
    for (const limit of limits.filter(isSharedByDevices)) {
      const use = this.#use(keyOf(accountOf(limit, this.#budgets.now())));
      use.usedAt = this.#budgets.now();
      use.largest = Math.max(use.largest, amount);
      if (this.#headroom(limit) < amount) this.#tellSoon();
    }
    return hold;
  }

  resetsAt(limit: ApplicableLimit, amount?: Micros): number | undefined {
    return this.#budgets.resetsAt(limit, amount);
  }

  async prepare(limits: readonly ApplicableLimit[], amountOf: () => Micros | undefined): Promise<void> {
    const shared = limits.filter(isSharedByDevices);
    const amount = shared.length === 0 ? undefined : amountOf();
    if (amount === undefined) return;
    const lacking = shared.filter((limit) => amount <= limit.amount && this.#headroom(limit) < amount);
    if (lacking.length === 0) return;
    for (const limit of lacking) {
      const account = accountOf(limit, this.#budgets.now());
      const key = keyOf(account);
      // Calls that wait at the same time need the sum of them.
      const before = this.#needs.get(key)?.amount ?? 0;
      this.#needs.set(key, { account, limit, amount: before + amount });
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const impatience = setTimeout(resolve, ANSWER_WITHIN_MS);
    // Calls of one turn of the event loop are told in one report.
    setImmediate(() => {
      if (this.#needs.size > 0) this.#tell();
      if (this.#asked.size === 0) resolve();
      else this.#waiting.add({ report: this.#reports, done: resolve });
    });
    await promise;
    clearTimeout(impatience);
  }

  /** The line to the control plane is open. */
  connected(): void {
    this.#asked.clear();
    this.#release();
    this.#tell();
  }

  receive({ reportId, nowMs, leases }: BudgetLease): void {
    const askedAt = this.#asked.get(reportId);
    if (askedAt === undefined) return;
    for (const id of this.#asked.keys()) if (id <= reportId) this.#asked.delete(id);
    this.#correctClock(Number(nowMs));
    for (const lease of leases) {
      this.#budgets.grant(
        {
          counter: lease.counter,
          startsAt: Number(lease.periodStartMs),
          endsAt: Number(lease.periodEndMs),
          granted: Number(lease.granted),
          version: Number(lease.version),
          until: askedAt + Number(lease.validMs),
        },
        Number(lease.spent),
      );
    }
    for (const waiting of [...this.#waiting]) {
      if (waiting.report > reportId) continue;
      this.#waiting.delete(waiting);
      waiting.done();
    }
  }

  /** Gives back what lies idle, and tells what was spent since the last time. */
  tick(): void {
    const now = this.#budgets.now();
    let isNews = false;
    const leases = this.#budgets.leases();
    // Names of models come from outside: what is not lent is not remembered.
    const lent = new Set(leases.map(keyOf));
    for (const key of this.#uses.keys()) if (!lent.has(key)) this.#uses.delete(key);
    for (const lease of leases) {
      const use = this.#use(keyOf(lease));
      if (lease.spent !== use.toldSpent || lease.spent + lease.reserved !== use.told) isNews = true;
      if (lease.endsAt <= now || lease.granted <= lease.spent + lease.reserved) continue;
      if (now - use.usedAt >= IDLE_MS) {
        this.#budgets.giveBack(lease);
        isNews = true;
      } else if (lease.until - now < RENEW_BELOW_MS) isNews = true;
    }
    if (isNews) this.#tell();
  }

  /** The organisation does not want this device any more: what is not spent of its shares is not spent. */
  end(): void {
    for (const lease of this.#budgets.leases()) this.#budgets.giveBack(lease);
  }

  stop(): void {
    clearInterval(this.#ticking);
    clearTimeout(this.#soon);
    this.#release();
  }

  #release(): void {
    for (const { done } of this.#waiting) done();
    this.#waiting.clear();
  }

  #tellSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#tell();
    }, GATHER_MS).unref();
  }

  #tell(): void {
    const now = this.#budgets.now();
    const leases = this.#budgets.leases().filter(({ endsAt }) => endsAt > now - LATE_MS);
    const known = new Set(leases.map(keyOf));
    const fresh = [...this.#needs].filter(([key]) => !known.has(key)).map(([, { account }]) => account);
    const counters = [
      ...fresh.map((account) => this.#describe(noLease(account), now)),
      ...leases
        .filter((lease) => lease.endsAt > now || lease.spent !== this.#use(keyOf(lease)).toldSpent)
        .toSorted((a, b) => b.endsAt - a.endsAt)
        .map((lease) => this.#describe(lease, now)),
    ].slice(0, MOST_COUNTERS);
    this.#needs.clear();
    if (counters.length === 0) return;
    const id = this.#reports + 1n;
    const { storeName } = this.#budgets;
    const report = { id, policyRevision: BigInt(this.#parts.revision()), store: storeName, counters };
    if (!this.#parts.send(report)) {
      this.#asked.clear();
      this.#release();
      return;
    }
    this.#reports = id;
    this.#asked.set(id, now);
    for (const old of this.#asked.keys()) {
      if (this.#asked.size > MOST_UNANSWERED) this.#asked.delete(old);
    }
    for (const { counter, periodStartMs, spent, held } of counters) {
      const use = this.#use(`${counter} ${periodStartMs}`);
      use.told = Number(spent + held);
      use.toldSpent = Number(spent);
      use.largest = 0;
    }
  }

  #describe(lease: LeaseState, now: number): CounterReport {
    const { counter, startsAt, endsAt, spent, reserved, granted, version } = lease;
    const key = keyOf(lease);
    const use = this.#use(key);
    const used = spent + reserved;
    const isRunning = endsAt > now;
    const need = this.#needs.get(key);
    const needed = need === undefined ? 0 : Math.max(0, used + need.amount - granted);
    // As much again as was used since the last time, and the largest call twice.
    const wish = 2 * Math.max(used - use.told, use.largest, need?.amount ?? 0);
    return CounterReport.fromPartial({
      counter,
      periodStartMs: BigInt(startsAt),
      spent: BigInt(spent),
      held: BigInt(reserved),
      granted: BigInt(granted),
      version: BigInt(version),
      needed: BigInt(isRunning ? needed : 0),
      wanted: BigInt(isRunning ? Math.max(0, used + wish - granted) : 0),
    });
  }

  #headroom(limit: ApplicableLimit): Micros {
    const lease = this.#budgets.leaseOf(limit);
    if (lease === undefined || this.#budgets.now() >= lease.until) return 0;
    return Math.max(0, lease.granted - lease.spent - lease.reserved);
  }

  #use(key: string): Use {
    let use = this.#uses.get(key);
    if (use === undefined) {
      // A share of the time before the last start counts as used now.
      use = { told: 0, toldSpent: -1, usedAt: this.#budgets.now(), largest: 0 };
      this.#uses.set(key, use);
    }
    return use;
  }

  /** Only when the clock is right by now and was ahead before: nobody else's word sets the time back. */
  #correctClock(theirs: number): void {
    const own = this.#clock();
    if (Math.abs(own - theirs) > SAME_TIME_MS || this.#budgets.now() - own <= SAME_TIME_MS) return;
    this.#budgets.correctClock(own);
  }
}

function noLease(account: Account): LeaseState {
  return { ...account, granted: 0, version: 0, until: 0, spent: 0, reserved: 0 };
}

function keyOf({ counter, startsAt }: Account): string {
  return `${counter} ${startsAt}`;
}
