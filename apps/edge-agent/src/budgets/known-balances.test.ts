import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { MIGRATIONS } from '../store/migrations.ts';
import { BudgetStore } from './budget-store.ts';
import { knownBalancesOf } from './known-balances.ts';
import { Pipeline, snapshotOf } from './pipeline.test-support.ts';

function open() {
  const db = new DatabaseSync(':memory:');
  for (const sql of MIGRATIONS) db.exec(sql);
  // No day ends in the middle of a test.
  const begin = () => new Pipeline(db, snapshotOf([{}]), { clock: () => Date.UTC(2026, 10, 20, 12) });
  return { db, begin };
}

test('a balance is read from the file once, until something is written', () => {
  const { db } = open();
  const known = knownBalancesOf(db, new BudgetStore(db));
  const account = { counter: 'c', startsAt: 0, endsAt: 10 };
  const before = known.of(account);
  expect(known.of(account)).toBe(before);
  known.forget();
  expect(known.of(account)).not.toBe(before);
  expect(known.of(account)).toEqual(before);
});

test('who counts in the same store sees at once what the other one wrote', () => {
  const { begin } = open();
  const [first, second] = [begin(), begin()];
  expect([first.balance()?.reserved, second.balance()?.reserved]).toEqual([0, 0]);
  const hold = first.hold(100);
  expect([first.balance()?.reserved, second.balance()?.reserved]).toEqual([100, 100]);
  second.spend(50);
  hold.settle(70);
  expect([first.balance(), second.balance()]).toEqual(Array(2).fill({ spent: 120, reserved: 0 }));
});

test('what could not be written is not taken for written', () => {
  const { db, begin } = open();
  const pipeline = begin();
  expect(pipeline.balance()).toEqual({ spent: 0, reserved: 0 });
  db.exec('PRAGMA query_only = ON');
  expect(() => pipeline.hold(100)).toThrow();
  db.exec('PRAGMA query_only = OFF');
  expect(pipeline.balance()).toEqual({ spent: 0, reserved: 0 });
});

test('a balance that was known is known again after a call was paid, without a question to the file', () => {
  const { db, begin } = open();
  const pipeline = begin();
  pipeline.spend(30);
  db.close();
  expect(pipeline.balance()).toEqual({ spent: 30, reserved: 0 });
});
