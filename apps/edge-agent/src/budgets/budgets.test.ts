import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { decide } from '@raypher/policy';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../store/database.ts';
import { MIGRATIONS } from '../store/migrations.ts';
import type { DueWarning } from './budget-store.ts';
import { ABANDONED_AFTER_MS, type BudgetsOptions } from './budgets.ts';
import { accountOf } from './counter.ts';
import { type LimitOfTest, Pipeline, snapshotOf } from './pipeline.test-support.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.UTC(2026, 10, 20, 12);

function open(
  limits: readonly LimitOfTest[] = [{}],
  options: Pick<BudgetsOptions, 'isShared'> = {},
  path?: string,
) {
  const time = { now: NOON };
  const warnings: DueWarning[] = [];
  const failures: unknown[] = [];
  const db = path === undefined ? inMemory() : openDatabase(path).db;
  const pipeline = new Pipeline(db, snapshotOf(limits), {
    ...options,
    clock: () => time.now,
    warned: (warning) => warnings.push(warning),
    failed: (error) => failures.push(error),
  });
  return { db, time, warnings, failures, pipeline, budgets: pipeline.budgets };
}

const freshPath = () => join(mkdtempSync(join(tmpdir(), 'raypher-budgets-')), 'agent.db');

function inMemory(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  db.exec('PRAGMA foreign_keys = ON');
  for (const sql of MIGRATIONS) db.exec(sql);
  return db;
}

/** The limit that binds the call, for what asks for one. */
function limitOf(pipeline: Pipeline, call = {}) {
  const [limit] = pipeline.limits(call);
  if (limit === undefined) throw new Error('no limit binds the call');
  return limit;
}

test('up to the limit exactly, and not one micro-dollar beyond', () => {
  const { pipeline, budgets } = open();
  expect(pipeline.spend(999)).toBe(true);
  const { verdict } = pipeline.ask(2);
  expect(verdict).toMatchObject({ outcome: 'DENY', rule: 'all-day', section: 'financial' });
  expect(pipeline.balance()).toEqual({ spent: 999, reserved: 0 });
  expect(budgets.resetsAt(limitOf(pipeline))).toBe(Date.UTC(2026, 10, 21));
  expect(pipeline.spend(1)).toBe(true);
  expect(pipeline.spend(1)).toBe(false);
});

test('two hundred calls at once cannot exceed a budget', async () => {
  const { pipeline } = open([{ micros: 12_345 }]);
  let inFlight = 0;
  let spent = 0;
  let most = 0;
  const call = async (): Promise<void> => {
    await nextTurn();
    const { hold } = pipeline.ask(100);
    if (hold === undefined) return;
    inFlight += 100;
    most = Math.max(most, inFlight + spent);
    await nextTurn();
    hold.settle(100);
    inFlight -= 100;
    spent += 100;
  };
  await Promise.all(Array.from({ length: 200 }, call));
  expect(spent).toBe(12_300);
  expect(most).toBeLessThanOrEqual(12_345);
  expect(pipeline.balance()).toEqual({ spent: 12_300, reserved: 0 });
});

test('what is held and not used comes back when it is settled', () => {
  const { pipeline } = open();
  const hold = pipeline.hold(1_000);
  expect(pipeline.spend(1)).toBe(false);
  hold.settle(300);
  expect(pipeline.balance()).toEqual({ spent: 300, reserved: 0 });
  expect(pipeline.spend(700)).toBe(true);
});

test('a call that cost more than was held is recorded in full', () => {
  const { pipeline } = open();
  pipeline.hold(900).settle(1_500);
  expect(pipeline.balance()).toEqual({ spent: 1_500, reserved: 0 });
  expect(pipeline.spend(0)).toBe(false);
});

test('settling or releasing twice moves money once', () => {
  const { pipeline } = open();
  const [first, second] = [pipeline.hold(100), pipeline.hold(200)];
  first.settle(50);
  first.settle(50);
  first.release();
  expect(pipeline.balance()).toEqual({ spent: 50, reserved: 200 });
  second.release();
  second.release();
  expect(pipeline.balance()).toEqual({ spent: 50, reserved: 0 });
});

test('a call is held to all of its limits or to none', () => {
  const { pipeline } = open([
    { id: 'wide', micros: 10_000 },
    { id: 'bots', scope: 'agent', micros: 500 },
  ]);
  expect(pipeline.ask(501).verdict).toMatchObject({ outcome: 'DENY', rule: 'bots' });
  expect(pipeline.balance({}, 'wide')).toEqual({ spent: 0, reserved: 0 });
  expect(pipeline.spend(400)).toBe(true);
  expect(pipeline.balance({}, 'wide')).toEqual({ spent: 400, reserved: 0 });
});

test.each(['agent', 'user', 'provider', 'model'] as const)('each %s has a counter of its own', (scope) => {
  const { pipeline } = open([{ scope }]);
  const [one, other] = [{ [scope]: 'one' }, { [scope]: 'other' }];
  expect([pipeline.spend(1_000, one), pipeline.spend(1_000, other), pipeline.spend(1, one)]).toEqual([
    true,
    true,
    false,
  ]);
});

test('calls whose model cannot be read share one counter', () => {
  const { pipeline } = open([{ scope: 'model' }]);
  expect([pipeline.spend(1_000, { model: null }), pipeline.spend(1, { model: null })]).toEqual([true, false]);
});

test('a limit of one request bounds each call and counts nothing', () => {
  const { pipeline, budgets, db } = open([{ per: 'request' }]);
  expect([pipeline.spend(1_000), pipeline.spend(1_000), pipeline.spend(1_001)]).toEqual([true, true, false]);
  expect(budgets.resetsAt(limitOf(pipeline))).toBeUndefined();
  expect(db.prepare('SELECT count(*) AS n FROM budget_accounts').get()?.n).toBe(0);
});

test('a call that is too dear for an empty budget is not told to wait', () => {
  const { pipeline, budgets } = open();
  expect(budgets.resetsAt(limitOf(pipeline), 1_000)).toBe(Date.UTC(2026, 10, 21));
  expect(budgets.resetsAt(limitOf(pipeline), 1_001)).toBeUndefined();
});

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])('%s is no amount', (amount) => {
  const { pipeline, budgets } = open();
  expect(() => budgets.hold(pipeline.limits(), amount)).toThrow(RangeError);
  const hold = pipeline.hold(1);
  expect(() => hold.settle(amount)).toThrow(RangeError);
  expect(pipeline.balance()).toEqual({ spent: 0, reserved: 1 });
});

test('amounts at the edge of exact numbers close a budget and break nothing', () => {
  const { pipeline } = open();
  const holds = [pipeline.hold(5), pipeline.hold(5)];
  for (const hold of holds) hold.settle(Number.MAX_SAFE_INTEGER);
  expect(pipeline.balance()?.spent).toBe(Number.MAX_SAFE_INTEGER);
  expect(pipeline.spend(1)).toBe(false);
});

test('a policy that only watches counts what it would have refused', () => {
  const { pipeline } = open();
  pipeline.snapshot = snapshotOf([{}], 'UTC', 'monitor');
  expect(pipeline.ask(1_500).verdict).toMatchObject({ outcome: 'DENY', effective: { outcome: 'ALLOW' } });
  expect(pipeline.balance()).toEqual({ spent: 0, reserved: 1_500 });
});

test('a new amount of a limit holds for what was spent before it', () => {
  const { pipeline } = open();
  pipeline.spend(800);
  pipeline.snapshot = snapshotOf([{ micros: 700 }]);
  expect(pipeline.spend(1)).toBe(false);
  pipeline.snapshot = snapshotOf([{ micros: 900 }]);
  expect([pipeline.spend(100), pipeline.spend(1)]).toEqual([true, false]);
});

describe('the store fails', () => {
  test('nobody can say that a limit is kept, so it is not', () => {
    const { pipeline, budgets, db } = open();
    db.close();
    const limits = pipeline.limits();
    expect(() => budgets.balancesOf(limits)).toThrow();
    expect(() => budgets.hold(limits, 1)).toThrow();
    // As the proxy asks when there are no balances.
    const verdict = decide(pipeline.snapshot, { ...pipeline.request(), cost: 1 });
    expect(verdict).toMatchObject({ outcome: 'DENY', enforced: true, section: 'financial' });
  });

  test('what a call cost is written down when the store works again', () => {
    const { pipeline, budgets, db, failures } = open();
    const hold = pipeline.hold(400);
    db.exec('PRAGMA query_only = ON');
    hold.settle(150);
    expect(failures).toHaveLength(1);
    db.exec('PRAGMA query_only = OFF');
    expect(pipeline.balance()).toEqual({ spent: 0, reserved: 400 });
    budgets.sweep();
    budgets.sweep();
    expect(pipeline.balance()).toEqual({ spent: 150, reserved: 0 });
  });
});

describe('time', () => {
  test('a new period begins empty; what is settled late belongs to the old one', () => {
    const { pipeline, time } = open();
    const late = pipeline.hold(1_000);
    time.now += DAY;
    expect(pipeline.spend(1_000)).toBe(true);
    late.settle(1_000);
    expect(pipeline.balance()).toEqual({ spent: 1_000, reserved: 0 });
  });

  test('setting the clock back refunds nothing, also across a restart', () => {
    const path = freshPath();
    const first = open([{}], {}, path);
    first.time.now += DAY;
    first.pipeline.spend(1_000);
    first.time.now -= DAY;
    expect(first.pipeline.spend(1)).toBe(false);
    first.time.now = 0;
    expect(first.pipeline.spend(1)).toBe(false);
    first.db.close();
    const second = open([{}], {}, path);
    expect(second.pipeline.spend(1)).toBe(false);
  });

  test('after a restart with the clock set back, the newest period goes on', () => {
    const path = freshPath();
    const first = open([{}], {}, path);
    first.pipeline.spend(600);
    first.time.now += DAY;
    first.pipeline.spend(300);
    first.db.close();
    expect(open([{}], {}, path).pipeline.balance()).toEqual({ spent: 300, reserved: 0 });
  });

  test('moving the clock to and fro opens no period twice', () => {
    const { pipeline, time } = open();
    let spent = 0;
    for (let turn = 0; turn < 20; turn++) {
      time.now = NOON + (turn % 2) * DAY;
      if (pipeline.spend(1_000)) spent += 1_000;
    }
    expect(spent).toBe(2_000);
  });

  test('a clock that was years ahead is put right by a trusted time, and nothing is refunded', () => {
    const { pipeline, budgets, time } = open();
    time.now = Date.UTC(2036, 0, 1);
    pipeline.spend(600);
    const held = pipeline.hold(100);
    time.now = NOON;
    budgets.correctClock(NOON);
    expect(pipeline.balance()).toEqual({ spent: 600, reserved: 100 });
    held.settle(100);
    expect(pipeline.balance()).toEqual({ spent: 700, reserved: 0 });
    time.now += DAY;
    expect(pipeline.balance()).toEqual({ spent: 0, reserved: 0 });
  });

  test.each([
    // Clocks go forward: the day has 23 hours. They go back: it has 25.
    ['Europe/Berlin', '2026-03-29T21:59:59Z', '2026-03-29T22:00:00Z'],
    ['Europe/Berlin', '2026-10-25T22:59:59Z', '2026-10-25T23:00:00Z'],
    ['America/Santiago', '2026-09-07T02:59:59Z', '2026-09-07T03:00:00Z'],
  ])('a day in %s ends with its last second, %s', (zone, last, next) => {
    const { pipeline, time } = open();
    pipeline.snapshot = snapshotOf([{}], zone);
    time.now = Date.parse(last) - 22 * HOUR;
    expect(pipeline.spend(600)).toBe(true);
    time.now = Date.parse(last);
    expect([pipeline.spend(401), pipeline.spend(400)]).toEqual([false, true]);
    time.now = Date.parse(next);
    expect([pipeline.spend(1_000), pipeline.spend(1)]).toEqual([true, false]);
  });

  test('what was spent stays spent when the zone of a layer changes', () => {
    const { pipeline } = open();
    pipeline.spend(1_000);
    for (const zone of ['Pacific/Auckland', 'America/Los_Angeles', 'Asia/Kolkata', 'UTC']) {
      pipeline.snapshot = snapshotOf([{}], zone);
      expect([zone, pipeline.spend(1)]).toEqual([zone, false]);
    }
  });
});

describe('crashes', () => {
  test('a hold outlives its process: held for an hour, then charged in full', () => {
    const path = freshPath();
    const { db, pipeline } = open([{}], {}, path);
    pipeline.hold(400);
    db.close();
    const again = open([{}], {}, path);
    again.budgets.sweep();
    expect(again.pipeline.balance()).toEqual({ spent: 0, reserved: 400 });
    again.time.now += ABANDONED_AFTER_MS;
    again.budgets.sweep();
    again.budgets.sweep();
    expect(again.pipeline.balance()).toEqual({ spent: 400, reserved: 0 });
  });

  test('a stream that outlives the hour still settles to what it cost', () => {
    const { pipeline, budgets, time } = open();
    const hold = pipeline.hold(400);
    time.now += ABANDONED_AFTER_MS;
    budgets.sweep();
    hold.settle(150);
    hold.settle(150);
    expect(pipeline.balance()).toEqual({ spent: 150, reserved: 0 });
  });

  test('what is long over is charged and then forgotten', () => {
    const { db, pipeline, budgets, time } = open();
    pipeline.spend(400);
    const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n;
    pipeline.hold(1);
    time.now += 100 * DAY;
    budgets.sweep();
    expect(['reservations', 'holds', 'accounts'].map((name) => count(`budget_${name}`))).toEqual([0, 0, 0]);
  });
});

test('models that somebody makes up leave no trace when nothing was spent on them', () => {
  const { db, pipeline, budgets, time } = open([{ scope: 'model' }]);
  pipeline.spend(5, { model: 'real' });
  for (let name = 0; name < 50; name += 1) {
    time.now += 1;
    pipeline.hold(100, { model: `made-up-${name}` }).release();
  }
  time.now += 2 * HOUR;
  budgets.sweep();
  const { rows, latest } =
    db.prepare('SELECT count(*) AS rows, max(used_at) AS latest FROM budget_accounts').get() ?? {};
  expect({ rows, latest }).toEqual({ rows: 2, latest: NOON + 50 });
  expect(pipeline.balance({ model: 'real' })).toEqual({ spent: 5, reserved: 0 });
});

describe('warnings', () => {
  test('a threshold is warned of once in a period, by the call that reaches it', () => {
    const { pipeline, warnings, time } = open([{ warn_at: 0.8 }]);
    const told = (amount: number) => {
      pipeline.spend(amount);
      return warnings.splice(0).map(({ spent, warnAt, amount: of }) => [spent, warnAt, of]);
    };
    expect([told(799), told(1), told(100)]).toEqual([[], [[800, 800, 1_000]], []]);
    time.now += DAY;
    expect(told(1_000)).toEqual([[1_000, 800, 1_000]]);
  });

  test('a higher threshold is warned of again, and one that was passed long ago at the next call', () => {
    const { pipeline, warnings } = open([{ warn_at: 0.5 }]);
    pipeline.spend(600);
    pipeline.snapshot = snapshotOf([{ warn_at: 0.9 }]);
    pipeline.spend(300);
    pipeline.snapshot = snapshotOf([{ warn_at: 0.4 }]);
    pipeline.spend(1);
    expect(warnings.map(({ warnAt }) => warnAt)).toEqual([500, 900]);
  });

  test('what is settled late does not warn of the period that has begun since', () => {
    const { pipeline, warnings, time } = open([{ warn_at: 0.5 }]);
    const late = pipeline.hold(1_000);
    time.now += DAY;
    pipeline.spend(400);
    late.settle(1_000);
    expect(warnings).toEqual([]);
  });

  test('what a crash left open warns when it is charged', () => {
    const { pipeline, budgets, warnings, time } = open([{ warn_at: 0.5 }]);
    pipeline.hold(600);
    time.now += ABANDONED_AFTER_MS;
    budgets.sweep();
    expect(warnings).toMatchObject([{ spent: 600 }]);
  });
});

describe('a counter that machines share', () => {
  const shared = () => {
    const opened = open([{ micros: 10_000 }], { isShared: () => true });
    const account = accountOf(limitOf(opened.pipeline), NOON);
    const grant = (granted: number, version: number, until = NOON + HOUR, spentAtLeast = 0) =>
      opened.budgets.grant({ ...account, granted, version, until }, spentAtLeast);
    return { ...opened, account, grant };
  };

  test('without a lease nothing of it can be spent', () => {
    const { pipeline } = shared();
    expect(pipeline.ask(1).verdict).toMatchObject({ outcome: 'DENY', rule: 'all-day' });
    expect(pipeline.balance()).toEqual({ spent: 10_000, reserved: 0 });
  });

  test('only what is granted, only until it ends, also with the clock set back', () => {
    const { pipeline, grant, time } = shared();
    grant(500, 1);
    expect([pipeline.spend(400), pipeline.spend(101), pipeline.spend(50)]).toEqual([true, false, true]);
    time.now += HOUR;
    expect(pipeline.spend(1)).toBe(false);
    time.now -= HOUR;
    expect(pipeline.spend(1)).toBe(false);
  });

  test('it never lifts the limit itself', () => {
    const { pipeline, grant } = shared();
    pipeline.snapshot = snapshotOf([{ micros: 1_000 }]);
    grant(5_000, 1);
    expect([pipeline.spend(1_000), pipeline.spend(1)]).toEqual([true, false]);
  });

  test('a grant is the sum of all before it; one that comes late or twice changes nothing', () => {
    const { pipeline, grant } = shared();
    expect([grant(500, 1), pipeline.spend(500)]).toEqual([true, true]);
    expect([grant(800, 2), grant(800, 2), grant(500, 1)]).toEqual([true, false, false]);
    expect([pipeline.spend(301), pipeline.spend(300), pipeline.spend(1)]).toEqual([false, true, false]);
  });

  test('what is given back does not return with a repetition of the grant', () => {
    const { pipeline, budgets, account, grant } = shared();
    grant(500, 1);
    const hold = pipeline.hold(200);
    budgets.giveBack(account);
    expect(budgets.leases()).toMatchObject([{ granted: 200, reserved: 200 }]);
    expect(grant(500, 1)).toBe(false);
    expect(pipeline.spend(1)).toBe(false);
    hold.release();
    expect(pipeline.spend(200)).toBe(true);
  });

  test('what the control plane remembers to be spent is spent', () => {
    const { pipeline, grant } = shared();
    grant(500, 7, NOON + HOUR, 400);
    expect([pipeline.spend(101), pipeline.spend(100)]).toEqual([false, true]);
  });

  test('a call that nobody expected to cost so much takes from what comes next', () => {
    const { pipeline, grant } = shared();
    grant(500, 1);
    pipeline.hold(500).settle(900);
    grant(1_000, 2);
    expect([pipeline.spend(101), pipeline.spend(100)]).toEqual([false, true]);
  });

  test('this machine alone does not warn of it', () => {
    const { pipeline, grant, warnings } = shared();
    pipeline.snapshot = snapshotOf([{ micros: 10_000, warn_at: 0.1 }]);
    grant(10_000, 1);
    pipeline.spend(9_000);
    expect(warnings).toEqual([]);
  });

  test('a lease of one period is none in the next', () => {
    const { pipeline, grant, time } = shared();
    grant(500, 1, NOON + 2 * DAY);
    time.now += DAY;
    expect(pipeline.spend(1)).toBe(false);
  });
});
