/** What it takes to hold a call to its budgets: reserve and settle, against one bare SQLite transaction. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Budgets } from '../apps/edge-agent/src/budgets/budgets.ts';
import { openDatabase } from '../apps/edge-agent/src/store/database.ts';
import { percentile, printResult, printTable } from './lib/report.ts';

const WARM_UP = 500;
const CALLS = 3_000;
const CALL = { agent: 'bot', user: 'kim', team: 'red', model: 'gpt-5', provider: 'openai' };
const SCOPES = ['agent', 'user', 'team', 'model', 'provider'] as const;

interface Subject {
  readonly name: string;
  readonly sync: 'FULL' | 'NORMAL';
  readonly run: () => void;
  readonly db: DatabaseSync;
  readonly microseconds: Float64Array;
}

function subject(name: string, sync: Subject['sync'], prepare: (db: DatabaseSync) => () => void): Subject {
  const { db } = openDatabase(join(folder, `${name}-${sync}.db`.replaceAll(/\W+/g, '-')));
  db.exec(`PRAGMA synchronous = ${sync}`);
  return { name, sync, db, run: prepare(db), microseconds: new Float64Array(CALLS) };
}

/** The least that is durable: one row changed in one transaction. */
function bareTransaction(db: DatabaseSync): () => void {
  db.exec('CREATE TABLE floor (id INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT');
  db.exec('INSERT INTO floor VALUES (1, 0)');
  const update = db.prepare('UPDATE floor SET n = n + 1 WHERE id = 1');
  return () => {
    db.exec('BEGIN IMMEDIATE');
    update.run();
    db.exec('COMMIT');
  };
}

/** As many limits as given bind the call; fifty others are there. */
function reserveAndSettle(limits: number): (db: DatabaseSync) => () => void {
  const bound = SCOPES.slice(0, limits).map((scope) => ({ id: scope, scope, key: '*' }));
  const others = Array.from({ length: 50 }, (_, i) => ({
    id: `other-${i}`,
    scope: 'agent',
    key: `bot-${i}`,
  }));
  const all = [...bound, ...others].map((limit) => ({
    ...limit,
    window: 'day',
    limitMicros: 1e15,
    warnAt: [80],
  }));
  return (db) => {
    const budgets = new Budgets(db, all);
    return () => {
      const answer = budgets.reserve(CALL, 2_000);
      if (!answer.allowed) throw new Error('The budget of the bench is used up.');
      budgets.settle(answer.id, 1_500);
    };
  };
}

const folder = mkdtempSync(join(tmpdir(), 'raypher-bench-budget-'));
const subjects = (['FULL', 'NORMAL'] as const).flatMap((sync) => [
  subject('floor: one transaction', sync, bareTransaction),
  subject('reserve + settle, 1 limit', sync, reserveAndSettle(1)),
  subject('reserve + settle, 5 limits', sync, reserveAndSettle(5)),
]);
for (const { run } of subjects) for (let i = 0; i < WARM_UP; i++) run();
// In turns, so that what else the machine does falls on all of them.
for (let i = 0; i < CALLS; i++) {
  for (const { run, microseconds } of subjects) {
    const began = performance.now();
    run();
    microseconds[i] = (performance.now() - began) * 1_000;
  }
}
for (const { db } of subjects) db.close();
rmSync(folder, { recursive: true });

printTable(
  ['', 'synchronous', 'p10 µs', 'p50 µs', 'p90 µs', 'p99 µs'],
  subjects.map(({ name, sync, microseconds }) => [
    name,
    sync,
    ...[0.1, 0.5, 0.9, 0.99].map((share) => percentile(microseconds, share)),
  ]),
);
console.log(`
  ${CALLS} calls each, in turns, on a file in ${tmpdir()}. Reserve and settle are a transaction each, so twice the
  floor is the least. FULL waits for the disk at each commit (survives a power cut); NORMAL does not (survives kill -9).
`);
const p50 = (name: string, sync: Subject['sync']) =>
  percentile(subjects.find((one) => one.name.includes(name) && one.sync === sync)?.microseconds ?? [], 0.5);
printResult({
  bench: 'budget',
  figures: {
    floor_p50_us: p50('floor', 'FULL'),
    one_limit_p50_us: p50('1 limit', 'FULL'),
    five_limits_p50_us: p50('5 limits', 'FULL'),
    normal_floor_p50_us: p50('floor', 'NORMAL'),
    normal_one_limit_p50_us: p50('1 limit', 'NORMAL'),
    normal_five_limits_p50_us: p50('5 limits', 'NORMAL'),
  },
  ratios: {
    one_limit_vs_floor: p50('1 limit', 'FULL') / p50('floor', 'FULL'),
    normal_one_limit_vs_floor: p50('1 limit', 'NORMAL') / p50('floor', 'NORMAL'),
    normal_five_limits_vs_floor: p50('5 limits', 'NORMAL') / p50('floor', 'NORMAL'),
  },
});
