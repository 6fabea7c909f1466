import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../store/database.ts';
import type { BudgetLimit } from './budget-limit.ts';
import { ABANDONED_AFTER_MS, Budgets } from './budgets.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.UTC(2026, 10, 20, 12);
const limit = (more: Partial<BudgetLimit> = {}) => ({
  id: 'all-day',
  scope: 'all',
  window: 'day',
  limitMicros: 1_000,
  ...more,
});

function open(
  limits: readonly unknown[],
  path = join(mkdtempSync(join(tmpdir(), 'raypher-budgets-')), 'agent.db'),
) {
  const time = { now: NOON };
  const { db } = openDatabase(path);
  const budgets = new Budgets(db, limits, () => time.now);
  /** Spends at once. */
  const spend = (amount: number, call = {}) => {
    const answer = budgets.reserve(call, amount);
    if (answer.allowed) budgets.settle(answer.id, amount);
    return answer.allowed;
  };
  const hold = (amount: number, call = {}): number => {
    const answer = budgets.reserve(call, amount);
    return answer.allowed ? answer.id : Number.NaN;
  };
  return { path, db, time, budgets, spend, hold };
}

test('up to the limit exactly, and not one micro-dollar beyond', () => {
  const { budgets, spend } = open([limit()]);
  expect(spend(999)).toBe(true);
  expect(budgets.reserve({}, 2)).toMatchObject({
    allowed: false,
    because: 'limit',
    limit: { id: 'all-day' },
    spent: 999,
    reserved: 0,
    resetsAt: Date.UTC(2026, 10, 21),
  });
  expect(spend(1)).toBe(true);
  expect(spend(1)).toBe(false);
});

test('two hundred calls at once cannot exceed a budget', async () => {
  const { budgets } = open([limit({ limitMicros: 12_345 })]);
  let inFlight = 0;
  let most = 0;
  const call = async (): Promise<number> => {
    await nextTurn();
    const answer = budgets.reserve({}, 100);
    if (!answer.allowed) return 0;
    inFlight += 100;
    most = Math.max(most, inFlight);
    await nextTurn();
    budgets.settle(answer.id, 100);
    return 100;
  };
  const spent = (await Promise.all(Array.from({ length: 200 }, call))).reduce((sum, one) => sum + one, 0);
  expect(spent).toBe(12_300);
  expect(most).toBeLessThanOrEqual(12_345);
  expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 12_300, reserved: 0 });
});

test('what is reserved and not used comes back when it is settled', () => {
  const { budgets, hold } = open([limit()]);
  const id = hold(1_000);
  expect(budgets.reserve({}, 1)).toMatchObject({ allowed: false, reserved: 1_000 });
  budgets.settle(id, 300);
  expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 300, reserved: 0 });
  expect(budgets.reserve({}, 700)).toMatchObject({ allowed: true });
});

test('a call that cost more than was reserved is recorded in full', () => {
  const { budgets, hold, spend } = open([limit()]);
  budgets.settle(hold(900), 1_500);
  expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 1_500, reserved: 0 });
  expect(spend(0)).toBe(false);
});

test('settling or releasing twice moves money once', () => {
  const { budgets, hold } = open([limit()]);
  const [first, second] = [hold(100), hold(200)];
  budgets.settle(first, 50);
  budgets.settle(first, 50);
  budgets.release(first);
  expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 50, reserved: 200 });
  budgets.release(second);
  budgets.release(second);
  expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 50, reserved: 0 });
});

test('a call is held to all of its limits or to none', () => {
  const { budgets, spend } = open([
    limit({ id: 'wide', limitMicros: 10_000 }),
    limit({ id: 'bot', scope: 'agent', key: 'bot', limitMicros: 500 }),
  ]);
  expect(budgets.reserve({ agent: 'bot' }, 501)).toMatchObject({ allowed: false, limit: { id: 'bot' } });
  expect(budgets.balanceOf('wide', '')).toEqual({ spent: 0, reserved: 0 });
  expect(spend(501, { agent: 'other' })).toBe(true);
});

test('of several refusals the one that lasts longest is told', () => {
  const { budgets, spend } = open([
    limit({ id: 'hour', window: 'hour' }),
    limit({ id: 'month', window: 'month' }),
    limit({ id: 'day' }),
  ]);
  spend(1_000);
  expect(budgets.reserve({}, 1)).toMatchObject({ limit: { id: 'month' }, resetsAt: Date.UTC(2026, 11, 1) });
});

test('a star gives each one a budget of its own, and those without a name share one', () => {
  const { spend } = open([limit({ scope: 'agent', key: '*' })]);
  expect([spend(1_000, { agent: 'a' }), spend(1_000, { agent: 'b' }), spend(1, { agent: 'a' })]).toEqual([
    true,
    true,
    false,
  ]);
  expect([spend(1_000), spend(1), spend(1, { agent: '' })]).toEqual([true, false, false]);
});

test('a limit of one request bounds each call and counts nothing', () => {
  const { budgets, spend } = open([limit({ window: 'request' })]);
  expect([spend(1_000), spend(1_000), spend(1_001)]).toEqual([true, true, false]);
  expect(budgets.reserve({}, 1_001)).toMatchObject({ resetsAt: undefined });
});

test('a call that is too dear for an empty budget is not told to wait', () => {
  expect(open([limit()]).budgets.reserve({}, 1_001)).toMatchObject({ allowed: false, resetsAt: undefined });
});

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])('%s is no amount', (amount) => {
  const { budgets, hold } = open([limit()]);
  expect(() => budgets.reserve({}, amount)).toThrow(RangeError);
  expect(() => budgets.settle(hold(1), amount)).toThrow(RangeError);
});

test('amounts at the edge of exact numbers close a budget and break nothing', () => {
  const { budgets, hold, spend } = open([limit({ limitMicros: Number.MAX_SAFE_INTEGER })]);
  budgets.settle(hold(5), Number.MAX_SAFE_INTEGER);
  budgets.settle(0, Number.MAX_SAFE_INTEGER);
  expect(budgets.balanceOf('all-day', '')?.spent).toBe(Number.MAX_SAFE_INTEGER);
  expect(spend(1)).toBe(false);
});

test.each([
  ['a window that does not exist', { window: 'week' }],
  ['a fraction', { limitMicros: 0.5 }],
  ['a zone that does not exist', { zone: 'Mars/Olympus' }],
  ['a lease on one request', { window: 'request', leased: true }],
])('limits with %s are refused, and the old ones stay', (_, wrong) => {
  const { budgets, spend } = open([limit()]);
  expect(() => budgets.setLimits([{ ...limit(), ...wrong }])).toThrow(/not valid/);
  expect(() => budgets.setLimits([limit(), limit()])).toThrow(/Two budgets/);
  expect(spend(1_001)).toBe(false);
});

test('a longer window takes over what the shorter one has spent', () => {
  const { budgets, spend, time } = open([limit()]);
  spend(600);
  time.now += DAY;
  spend(300);
  budgets.setLimits([limit({ window: 'month' })]);
  expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 900, reserved: 0 });
});

describe('time', () => {
  test('a new window begins empty; what is settled late belongs to the old one', () => {
    const { budgets, hold, spend, time } = open([limit()]);
    const id = hold(1_000);
    time.now += DAY;
    expect(spend(1_000)).toBe(true);
    budgets.settle(id, 1_000);
    expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 1_000, reserved: 0 });
  });

  test('setting the clock back refunds nothing, also across a restart', () => {
    const first = open([limit()]);
    first.time.now += DAY;
    first.spend(1_000);
    first.time.now -= DAY;
    expect(first.spend(1)).toBe(false);
    first.time.now = 0;
    expect(first.spend(1)).toBe(false);
    first.db.close();
    const second = open([limit()], first.path);
    expect(second.spend(1)).toBe(false);
  });

  test('after a restart with the clock set back, the newest window goes on', () => {
    const first = open([limit()]);
    first.spend(600);
    first.time.now += DAY;
    first.spend(300);
    first.db.close();
    expect(open([limit()], first.path).budgets.balanceOf('all-day', '')).toEqual({ spent: 300, reserved: 0 });
  });

  test('moving the clock to and fro opens no window twice', () => {
    const { spend, time } = open([limit()]);
    let spent = 0;
    for (let turn = 0; turn < 20; turn++) {
      time.now = NOON + (turn % 2) * DAY;
      if (spend(1_000)) spent += 1_000;
    }
    expect(spent).toBe(2_000);
  });

  test('a clock that was years ahead is put right by a trusted time, and nothing is refunded', () => {
    const { budgets, hold, spend, time } = open([limit()]);
    time.now = Date.UTC(2036, 0, 1);
    spend(600);
    const held = hold(100);
    time.now = NOON;
    budgets.correctClock(NOON);
    expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 600, reserved: 100 });
    budgets.settle(held, 100);
    expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 700, reserved: 0 });
    time.now += DAY;
    expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 0, reserved: 0 });
  });
});

describe('crashes', () => {
  test('a reservation outlives its process: held for an hour, then charged in full', () => {
    const { path, db, hold } = open([limit()]);
    hold(400);
    db.close();
    const { budgets, time } = open([limit()], path);
    budgets.chargeAbandoned();
    expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 0, reserved: 400 });
    time.now += ABANDONED_AFTER_MS;
    budgets.chargeAbandoned();
    budgets.chargeAbandoned();
    expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 400, reserved: 0 });
  });

  test('a stream that outlives the hour still settles to what it cost', () => {
    const { budgets, hold, time } = open([limit()]);
    const id = hold(400);
    time.now += ABANDONED_AFTER_MS;
    budgets.chargeAbandoned();
    budgets.settle(id, 150);
    budgets.settle(id, 150);
    expect(budgets.balanceOf('all-day', '')).toEqual({ spent: 150, reserved: 0 });
  });

  test('what is long over is charged and then forgotten', () => {
    const { db, budgets, hold, time } = open([limit()]);
    budgets.settle(hold(400), 400);
    const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n;
    hold(1);
    time.now += 100 * DAY;
    budgets.chargeAbandoned();
    expect(count('budget_reservations')).toBe(0);
    expect([count('budget_holds'), count('budget_accounts')]).toEqual([0, 0]);
  });
});

test('each share of a limit is warned of once in a window', () => {
  const { budgets, hold, time } = open([limit({ warnAt: [80, 50] })]);
  const percents = (amount: number) => budgets.settle(hold(amount), amount).map(({ percent }) => percent);
  expect([percents(499), percents(1), percents(1), percents(400), percents(99)]).toEqual([
    [],
    [50],
    [],
    [80],
    [],
  ]);
  time.now += DAY;
  expect(percents(1_000)).toEqual([80]);
});

test('what is settled late does not warn of the window that has begun since', () => {
  const { budgets, hold, spend, time } = open([limit({ warnAt: [50] })]);
  const late = hold(1_000);
  time.now += DAY;
  spend(600);
  expect(budgets.settle(late, 1_000)).toEqual([]);
});

describe('leases', () => {
  const leased = limit({ leased: true, limitMicros: 10_000 });

  test('without one nothing of a shared limit can be spent', () => {
    expect(open([leased]).budgets.reserve({}, 1)).toMatchObject({ allowed: false, because: 'lease' });
  });

  test('only what is granted, only until it ends, also with the clock set back', () => {
    const { budgets, spend, time } = open([leased]);
    budgets.grantLease('all-day', 500, NOON + HOUR);
    expect([spend(400), spend(101), spend(50)]).toEqual([true, false, true]);
    time.now += HOUR;
    expect(spend(1)).toBe(false);
    time.now -= HOUR;
    expect(spend(1)).toBe(false);
  });

  test('it never lifts the limit itself', () => {
    const { budgets, spend } = open([limit({ leased: true })]);
    budgets.grantLease('all-day', 5_000, NOON + HOUR);
    expect([spend(1_000), spend(1)]).toEqual([true, false]);
  });

  test('a new one replaces the rest of the old; calls under way settle with the old', () => {
    const { budgets, hold, spend } = open([leased]);
    const old = budgets.grantLease('all-day', 500, NOON + HOUR);
    const id = hold(300);
    const fresh = budgets.grantLease('all-day', 100, NOON + HOUR);
    expect([spend(101), spend(100)]).toEqual([false, true]);
    expect(budgets.forgetLease(old)).toBe(false);
    budgets.settle(id, 250);
    expect(budgets.leases()).toMatchObject([
      { id: old, micros: 500, spent: 250, reserved: 0 },
      { id: fresh, micros: 100, spent: 100, reserved: 0 },
    ]);
    expect(budgets.forgetLease(old)).toBe(true);
  });
});
