import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openDatabase } from '../store/database.ts';
import { Pipeline, snapshotOf } from './pipeline.test-support.ts';

const CHILD = fileURLToPath(new URL('spend-until-killed.ts', import.meta.url));
const UNLIMITED = 1e12;
/** For all processes, so that no month ends in the middle of a test. */
const NOW = Date.now();

interface Spender {
  readonly process: ChildProcessByStdio<null, Readable, null>;
  readonly counts: { reserved: number; settled: number };
}

function startSpender(path: string, limitMicros: number): Spender {
  const child = spawn(process.execPath, [CHILD, path, String(limitMicros), String(NOW)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const counts = { reserved: 0, settled: 0 };
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) counts[line.startsWith('reserved') ? 'reserved' : 'settled'] += 1;
  });
  return { process: child, counts };
}

const freshPath = () => join(mkdtempSync(join(tmpdir(), 'raypher-budgets-')), 'agent.db');

function reopen(path: string) {
  const { db, setAside } = openDatabase(path);
  expect(setAside).toBeUndefined();
  const snapshot = snapshotOf([
    { id: 'shared', per: 'month', micros: UNLIMITED },
    { id: 'each', scope: 'agent', per: 'month', micros: UNLIMITED },
  ]);
  return { db, pipeline: new Pipeline(db, snapshot, { clock: () => NOW }) };
}

test('kill -9 between reserve and settle loses nothing that was acknowledged', async () => {
  const path = freshPath();
  const acknowledged = { reserved: 0, settled: 0 };
  for (let round = 0; round < 4; round++) {
    const { process: child, counts } = startSpender(path, UNLIMITED);
    const deadline = Date.now() + 20_000;
    while (counts.settled < 20 && Date.now() < deadline) await delay(5);
    await delay(round * 7);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(counts.settled).toBeGreaterThanOrEqual(20);
    acknowledged.reserved += counts.reserved;
    acknowledged.settled += counts.settled;

    const { db, pipeline } = reopen(path);
    const all = pipeline.balance({}, 'shared') ?? { spent: Number.NaN, reserved: Number.NaN };
    expect(pipeline.balance({}, 'each')).toEqual(all);
    // One step of each round may have been committed and not told.
    const steps = round + 1;
    expect(all.spent / 7).toBeGreaterThanOrEqual(acknowledged.settled);
    expect(all.spent / 7).toBeLessThanOrEqual(acknowledged.settled + steps);
    const made = all.spent / 7 + all.reserved / 10;
    expect(made).toBeGreaterThanOrEqual(acknowledged.reserved);
    expect(made).toBeLessThanOrEqual(acknowledged.reserved + steps);
    const held = db.prepare('SELECT total(amount) AS sum FROM budget_reservations').get()?.sum;
    expect(held).toBe(all.reserved);
    db.close();
  }
}, 60_000);

test('a process that takes over from one that was killed goes on where it was, up to the limit', async () => {
  const path = freshPath();
  const first = startSpender(path, 1_400);
  while (first.counts.settled < 20) await once(first.process.stdout, 'data');
  first.process.kill('SIGKILL');
  await once(first.process, 'close');
  const second = startSpender(path, 1_400);
  await once(second.process, 'close');
  const { pipeline } = reopen(path);
  const { spent, reserved } = pipeline.balance({}, 'shared') ?? { spent: Number.NaN, reserved: Number.NaN };
  expect(spent + reserved).toBeLessThanOrEqual(1_400);
  expect(spent + reserved).toBeGreaterThan(1_390);
  expect(reserved).toBeLessThanOrEqual(10);
}, 60_000);
