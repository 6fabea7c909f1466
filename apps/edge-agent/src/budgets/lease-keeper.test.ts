import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isSharedByDevices } from '@raypher/policy';
import type { BudgetLease, BudgetReport, CounterLease } from '@raypher/shared';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MIGRATIONS } from '../store/migrations.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { Pipeline, snapshotOf } from './pipeline.test-support.ts';

const MINUTE = 60_000;
const NOON = Date.UTC(2026, 10, 20, 12);

let keepers: LeaseKeeper[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  for (const keeper of keepers) keeper.stop();
  keepers = [];
  vi.useRealTimers();
});

function start({ micros = 10_000 } = {}) {
  const db = new DatabaseSync(':memory:');
  db.exec('PRAGMA foreign_keys = ON');
  for (const sql of MIGRATIONS) db.exec(sql);
  const time = { now: NOON };
  const clock = () => time.now;
  const line = { isUp: true, reports: [] as BudgetReport[] };
  const pipeline = new Pipeline(db, snapshotOf([{ micros }]), { clock, isShared: isSharedByDevices });
  const { budgets } = pipeline;
  const keeper = new LeaseKeeper({
    budgets,
    clock,
    revision: () => 7,
    send: (report) => {
      if (line.isUp) line.reports.push(report);
      return line.isUp;
    },
  });
  keepers.push(keeper);
  const newest = () => line.reports.at(-1)?.counters[0];
  /** Answers the newest report. */
  const answer = (more: Partial<CounterLease> = {}, now = time.now): BudgetLease => {
    const told = newest();
    if (told === undefined) throw new Error('nothing was asked');
    const lease: BudgetLease = {
      reportId: line.reports.at(-1)?.id ?? 0n,
      nowMs: BigInt(now),
      leases: [
        {
          counter: told.counter,
          periodStartMs: told.periodStartMs,
          periodEndMs: BigInt(Date.UTC(2026, 10, 21)),
          granted: told.granted + told.needed,
          version: told.version + 1n,
          validMs: BigInt(60 * MINUTE),
          spent: told.spent,
          ...more,
        },
      ],
    };
    keeper.receive(lease);
    return lease;
  };
  const call = (amount: number) => keeper.prepare(pipeline.limits(), () => amount);
  /** As the proxy does it, through the keeper. */
  const spend = (amount: number): boolean => {
    const allowed = pipeline.ask(amount);
    allowed.hold?.release();
    if (allowed.hold === undefined) return false;
    keeper.hold(allowed.limits, amount).settle(amount);
    return true;
  };
  return { time, line, pipeline, budgets, keeper, newest, answer, call, spend };
}

test('the first call of a period waits for a share instead of being refused', async () => {
  const { line, newest, answer, call, spend } = start();
  expect(spend(400)).toBe(false);
  const waiting = call(400);
  await nextTurn();
  expect(line.reports).toMatchObject([{ policyRevision: 7n }]);
  expect(newest()).toMatchObject({ needed: 400n, wanted: 800n, granted: 0n, version: 0n, spent: 0n });
  answer();
  await waiting;
  expect([spend(400), spend(1)]).toEqual([true, false]);
});

test('calls that wait together ask for the sum of what they lack, in one report', async () => {
  const { line, newest, answer, call, spend } = start();
  const waiting = Promise.all([call(100), call(200), call(300)]);
  await nextTurn();
  expect(line.reports).toHaveLength(1);
  expect(newest()).toMatchObject({ needed: 600n });
  answer();
  await waiting;
  expect([spend(100), spend(200), spend(300)]).toEqual([true, true, true]);
});

test('nobody waits where there is room, where the limit could never hold it, or where nobody can be asked', async () => {
  const { line, answer, call } = start();
  await call(10_001);
  line.isUp = false;
  await call(400);
  expect(line.reports).toEqual([]);
  line.isUp = true;
  const waiting = call(400);
  await nextTurn();
  answer();
  await waiting;
  await call(400);
  expect(line.reports).toHaveLength(1);
});

test('what a call costs is not worked out where nothing is shared', async () => {
  const { keeper } = start();
  const amount = vi.fn(() => 1);
  await keeper.prepare([], amount);
  expect(amount).not.toHaveBeenCalled();
});

test('a call whose question gets no answer goes on without a share', async () => {
  const { call, spend } = start();
  const waiting = call(400);
  await nextTurn();
  vi.advanceTimersByTime(3_000);
  await waiting;
  expect(spend(400)).toBe(false);
});

test('a lease ends by the moment it was asked for: neither a slow answer nor a wrong clock makes it longer', async () => {
  const { time, answer, call, spend } = start();
  const waiting = call(400);
  await nextTurn();
  time.now += 10 * MINUTE;
  answer({}, NOON - 30 * MINUTE);
  await waiting;
  time.now = NOON + 60 * MINUTE - 1;
  expect(spend(100)).toBe(true);
  time.now = NOON + 60 * MINUTE;
  expect(spend(100)).toBe(false);
});

test('an answer to what was not asked, or was asked on another connection, changes nothing', async () => {
  const { keeper, line, answer, call, spend } = start();
  const waiting = call(400);
  await nextTurn();
  // The line breaks and is there again: who waits does not wait for the old answer.
  keeper.connected();
  await waiting;
  answer();
  expect(line.reports).toHaveLength(1);
  expect(spend(100)).toBe(false);
});

test('more is asked for before it is needed, offline it goes on with what it has', async () => {
  const { time, line, newest, answer, call, spend } = start();
  const waiting = call(500);
  await nextTurn();
  answer();
  await waiting;
  expect(spend(300)).toBe(true);
  vi.advanceTimersByTime(100);
  expect(newest()).toMatchObject({ spent: 300n, needed: 0n, granted: 500n, version: 1n, wanted: 400n });
  line.isUp = false;
  time.now += 20 * MINUTE;
  expect([spend(200), spend(1)]).toEqual([true, false]);
});

test('a share that lies idle goes back, on disk before it is told, and its rest is not spent any more', async () => {
  const { time, line, keeper, newest, answer, call, spend } = start();
  const waiting = call(500);
  await nextTurn();
  answer();
  await waiting;
  spend(100);
  time.now += 10 * MINUTE;
  keeper.tick();
  expect(newest()).toMatchObject({ spent: 100n, granted: 100n, version: 1n });
  expect(spend(1)).toBe(false);
  // It is quiet from then on.
  answer({ granted: 100n, version: 2n });
  const told = line.reports.length;
  keeper.tick();
  expect(line.reports).toHaveLength(told);
});

test('a device that is not wanted any more spends nothing of its shares', async () => {
  const { keeper, answer, call, spend } = start();
  const waiting = call(500);
  await nextTurn();
  answer();
  await waiting;
  expect(spend(100)).toBe(true);
  keeper.end();
  expect(spend(1)).toBe(false);
});

test('what is not news is not told; what is settled late is, also of a period that is over', async () => {
  const { time, line, keeper, pipeline, newest, answer, call } = start();
  const waiting = call(500);
  await nextTurn();
  answer();
  await waiting;
  const hold = keeper.hold(pipeline.limits(), 500);
  vi.advanceTimersByTime(100);
  answer();
  const told = line.reports.length;
  keeper.tick();
  expect(line.reports).toHaveLength(told);
  time.now = Date.UTC(2026, 10, 21, 0, 1);
  hold.settle(450);
  keeper.tick();
  expect(newest()).toMatchObject({ periodStartMs: BigInt(Date.UTC(2026, 10, 20)), spent: 450n, needed: 0n });
});

test('a clock that was ahead and is right again is put right, a clock that is wrong is not', async () => {
  const ahead = start();
  ahead.time.now = NOON + 30 * 24 * 60 * MINUTE;
  ahead.budgets.now();
  ahead.time.now = NOON;
  const waiting = ahead.call(400);
  await nextTurn();
  expect(ahead.budgets.now()).toBeGreaterThan(NOON);
  ahead.answer({}, NOON + 1_000);
  await waiting;
  expect(ahead.budgets.now()).toBe(NOON);

  const wrong = start();
  wrong.time.now = NOON + 60 * MINUTE;
  const asking = wrong.call(400);
  await nextTurn();
  wrong.time.now = NOON + 30 * MINUTE;
  wrong.answer({}, NOON);
  await asking;
  expect(wrong.budgets.now()).toBe(NOON + 60 * MINUTE);
});
