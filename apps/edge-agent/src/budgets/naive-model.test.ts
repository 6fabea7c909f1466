import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MIGRATIONS } from '../store/migrations.ts';
import { type CallOfTest, type LimitOfTest, Pipeline, snapshotOf } from './pipeline.test-support.ts';
import type { Hold } from './spending.ts';

const START = Date.UTC(2026, 10, 20);
const HOUR = 3_600_000;
const LENGTHS = { request: 0, hour: HOUR, day: 24 * HOUR, month: 0 };

type Bound = Required<Pick<LimitOfTest, 'id' | 'scope' | 'per' | 'micros'>>;

interface Entry {
  readonly call: CallOfTest;
  readonly at: number;
  amount: number;
  open: boolean;
}

/** A list of everything that ever happened, added up anew for every question. UTC, no months. */
class NaiveBudgets {
  readonly #limits: readonly Bound[];
  readonly entries: Entry[] = [];
  #now = 0;

  constructor(limits: readonly Bound[]) {
    this.#limits = limits;
  }

  at(clock: number): void {
    this.#now = Math.max(this.#now, clock);
  }

  /** The newest time that money was held at is on disk; one at which everything was refused is not. */
  restart(): void {
    const isCounted = this.#limits.some(({ per }) => per !== 'request');
    this.#now = Math.max(0, ...(isCounted ? this.entries : []).map(({ at }) => at));
  }

  balance(limit: Bound, call: CallOfTest): { spent: number; reserved: number } {
    const from = this.#now - (this.#now % LENGTHS[limit.per]);
    const counted = this.entries.filter(
      (entry) => entry.at >= from && subjectOf(limit, entry.call) === subjectOf(limit, call),
    );
    const sum = (open: boolean) =>
      counted.filter((entry) => entry.open === open).reduce((total, { amount }) => total + amount, 0);
    return { spent: sum(false), reserved: sum(true) };
  }

  reserve(call: CallOfTest, amount: number, clock: number): boolean {
    this.at(clock);
    const fits = this.#limits.every((limit) => {
      if (limit.per === 'request') return amount <= limit.micros;
      const { spent, reserved } = this.balance(limit, call);
      return spent + reserved + amount <= limit.micros;
    });
    if (fits) this.entries.push({ call, at: this.#now, amount, open: true });
    return fits;
  }
}

const subjectOf = ({ scope }: Bound, { agent, user }: CallOfTest) =>
  scope === 'agent' ? agent : scope === 'user' ? user : '';

const names = fc.constantFrom('a', 'b', 'c');
const limits = fc
  .array(
    fc.record({
      scope: fc.constantFrom('agent', 'user', 'organisation'),
      per: fc.constantFrom('request', 'hour', 'day'),
      micros: fc.integer({ min: 0, max: 300 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((list) => list.map((one, index): Bound => ({ ...one, id: `l${index}` })));
const steps = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('reserve' as const),
        call: fc.record({ agent: names, user: names }),
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
      const snapshot = snapshotOf(bounds);
      const open = () => new Pipeline(db, snapshot, { clock: () => clock });
      let pipeline = open();
      const model = new NaiveBudgets(bounds);
      const holds: Hold[] = [];
      for (const step of list) {
        const entry = 'which' in step ? model.entries[step.which] : undefined;
        const hold = 'which' in step ? holds[step.which] : undefined;
        if (step.kind === 'clock') clock += step.by * HOUR;
        if (step.kind === 'restart') {
          pipeline = open();
          model.restart();
        }
        if (step.kind === 'reserve') {
          const answer = pipeline.ask(step.amount, step.call);
          expect(answer.hold !== undefined).toBe(model.reserve(step.call, step.amount, clock));
          if (answer.hold !== undefined) holds.push(answer.hold);
        } else if (step.kind === 'settle') {
          hold?.settle(step.actual);
          if (entry?.open === true) Object.assign(entry, { open: false, amount: step.actual });
        } else if (step.kind === 'release') {
          hold?.release();
          if (entry?.open === true) Object.assign(entry, { open: false, amount: 0 });
        }
      }
      model.at(clock);
      for (const limit of bounds.filter(({ per }) => per !== 'request')) {
        for (const name of ['a', 'b', 'c']) {
          const call = { agent: name, user: name };
          expect(pipeline.balance(call, limit.id)).toEqual(model.balance(limit, call));
        }
      }
    }),
    { numRuns: 200 },
  );
}, 60_000);
