import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MIGRATIONS } from '../store/migrations.ts';
import type { BudgetedCall, BudgetLimit } from './budget-limit.ts';
import { Budgets } from './budgets.ts';

const START = Date.UTC(2026, 10, 20);
const HOUR = 3_600_000;
const LENGTHS = { request: 0, hour: HOUR, day: 24 * HOUR, month: 0 };

interface Entry {
  readonly call: BudgetedCall;
  readonly at: number;
  amount: number;
  open: boolean;
}

/** A list of everything that ever happened, added up anew for every question. UTC, no months. */
class NaiveBudgets {
  readonly #limits: readonly BudgetLimit[];
  readonly entries: Entry[] = [];
  #now = 0;

  constructor(limits: readonly BudgetLimit[]) {
    this.#limits = limits;
  }

  at(clock: number): void {
    this.#now = Math.max(this.#now, clock);
  }

  /** The newest time that money was held at is on disk; one at which everything was refused is not. */
  restart(): void {
    const counted = this.#limits.filter(({ window }) => window !== 'request');
    const held = this.entries.filter(({ call }) => counted.some((limit) => isBound(limit, call)));
    this.#now = Math.max(0, ...held.map(({ at }) => at));
  }

  balance(limit: BudgetLimit, subject: string): { spent: number; reserved: number } {
    const from = this.#now - (this.#now % LENGTHS[limit.window]);
    const counted = this.entries.filter(
      ({ call, at }) => at >= from && subjectOf(limit, call) === subject && isBound(limit, call),
    );
    const sum = (open: boolean) =>
      counted.filter((entry) => entry.open === open).reduce((total, { amount }) => total + amount, 0);
    return { spent: sum(false), reserved: sum(true) };
  }

  reserve(call: BudgetedCall, amount: number, clock: number): boolean {
    const bound = this.#limits.filter((limit) => isBound(limit, call));
    if (bound.length > 0) this.at(clock);
    const fits = bound.every((limit) => {
      if (limit.window === 'request') return amount <= limit.limitMicros;
      const { spent, reserved } = this.balance(limit, subjectOf(limit, call));
      return spent + reserved + amount <= limit.limitMicros;
    });
    if (fits) this.entries.push({ call, at: this.#now, amount, open: true });
    return fits;
  }
}

const subjectOf = (limit: BudgetLimit, call: BudgetedCall) =>
  limit.scope === 'all' ? '' : (call[limit.scope] ?? '');
const isBound = (limit: BudgetLimit, call: BudgetedCall) =>
  limit.scope === 'all' || limit.key === '*' || call[limit.scope] === limit.key;

const names = fc.constantFrom('a', 'b', 'c');
const limits = fc
  .array(
    fc.record({
      scope: fc.constantFrom('agent', 'user', 'all'),
      key: fc.constantFrom('*', 'a', 'b'),
      window: fc.constantFrom('request', 'hour', 'day'),
      limitMicros: fc.integer({ min: 0, max: 300 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((list) =>
    list.map(
      (one, index): BudgetLimit => ({ ...one, id: `l${index}`, zone: 'UTC', warnAt: [], leased: false }),
    ),
  );
const steps = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('reserve' as const),
        call: fc.record({ agent: names, user: names }, { requiredKeys: [] }),
        amount: fc.integer({ min: 0, max: 120 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        which: fc.nat(40),
        actual: fc.integer({ min: 0, max: 150 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat(40) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('clock' as const), by: fc.integer({ min: -3, max: 12 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  ),
  { maxLength: 60 },
);

test('whatever happens in whatever order, the answers are those of a list that is added up anew', () => {
  const db = new DatabaseSync(':memory:');
  db.exec('PRAGMA foreign_keys = ON');
  for (const sql of MIGRATIONS) db.exec(sql);
  fc.assert(
    fc.property(limits, steps, (bounds, list) => {
      db.exec('DELETE FROM budget_reservations; DELETE FROM budget_accounts');
      let clock = START;
      let budgets = new Budgets(db, bounds, () => clock);
      const model = new NaiveBudgets(bounds);
      const ids: number[] = [];
      for (const step of list) {
        const entry = 'which' in step ? model.entries[step.which] : undefined;
        const id = 'which' in step ? (ids[step.which] ?? 0) : 0;
        if (step.kind === 'clock') clock += step.by * HOUR;
        if (step.kind === 'restart') {
          budgets = new Budgets(db, bounds, () => clock);
          model.restart();
        }
        if (step.kind === 'reserve') {
          const answer = budgets.reserve(step.call, step.amount);
          expect(answer.allowed).toBe(model.reserve(step.call, step.amount, clock));
          if (answer.allowed) ids.push(answer.id);
        } else if (step.kind === 'settle') {
          budgets.settle(id, step.actual);
          if (entry?.open === true) Object.assign(entry, { open: false, amount: step.actual });
        } else if (step.kind === 'release') {
          budgets.release(id);
          if (entry?.open === true) Object.assign(entry, { open: false, amount: 0 });
        }
      }
      model.at(clock);
      for (const limit of bounds.filter(({ window }) => window !== 'request')) {
        for (const subject of limit.scope === 'all' ? [''] : ['', 'a', 'b', 'c']) {
          expect(budgets.balanceOf(limit.id, subject)).toEqual(model.balance(limit, subject));
        }
      }
    }),
    { numRuns: 200 },
  );
}, 60_000);
