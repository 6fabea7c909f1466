/** What it takes to hold a call to its budgets: balances, hold and settle, against one bare SQLite transaction. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { compilePolicy, limitsFor, parsePolicy } from '@raypher/policy';
import { Budgets } from '../apps/edge-agent/src/budgets/budgets.ts';
import { openDatabase } from '../apps/edge-agent/src/store/database.ts';
import { percentile, printResult, printTable } from './lib/report.ts';

const WARM_UP = 500;
const CALLS = 3_000;
const CALL = {
  action: 'model.call',
  host: 'api.openai.com',
  port: 443,
  provider: 'openai',
  model: 'gpt-5',
  agent: { id: 'bot', name: 'bot', user: 'kim', libraries: [] },
} as const;
const SCOPES = ['agent', 'user', 'organisation', 'model', 'provider'] as const;

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

/** As many limits as given bind the call. Finding them is policy's part and not measured here. */
function holdAndSettle(count: number): (db: DatabaseSync) => () => void {
  const limits = SCOPES.slice(0, count).map((scope) => ({
    id: scope,
    scope,
    per: 'day',
    amount: 1e9,
    warn_at: 0.8,
  }));
  const source = JSON.stringify({ apiVersion: 'raypher/v1', mode: 'enforce', financial: { limits } });
  const parsed = parsePolicy(source, { layer: 'global' });
  if (!parsed.ok) throw new Error('The policy of the bench is not valid.');
  const applicable = limitsFor(compilePolicy({ revision: 1, layers: [parsed] }), CALL);
  return (db) => {
    const budgets = new Budgets(db);
    return () => {
      const balances = budgets.balancesOf(applicable);
      if (Object.keys(balances).length !== count) throw new Error('A limit of the bench does not apply.');
      budgets.hold(applicable, 2_000).settle(1_500);
    };
  };
}

const folder = mkdtempSync(join(tmpdir(), 'raypher-bench-budget-'));
const subjects = (['FULL', 'NORMAL'] as const).flatMap((sync) => [
  subject('floor: one transaction', sync, bareTransaction),
  subject('balances + hold + settle, 1 limit', sync, holdAndSettle(1)),
  subject('balances + hold + settle, 5 limits', sync, holdAndSettle(5)),
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
  ${CALLS} calls each, in turns, on a file in ${tmpdir()}. Hold and settle are a transaction each, so twice the
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
