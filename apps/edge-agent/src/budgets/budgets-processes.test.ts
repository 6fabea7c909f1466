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
import { Budgets } from './budgets.ts';

const CHILD = fileURLToPath(new URL('spend-until-killed.ts', import.meta.url));
const UNLIMITED = Number.MAX_SAFE_INTEGER;

interface Spender {
  readonly process: ChildProcessByStdio<null, Readable, null>;
  readonly counts: { reserved: number; settled: number };
}

function startSpender(path: string, limitMicros: number): Spender {
  const child = spawn(process.execPath, [CHILD, path, String(limitMicros)], {
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
  const limits = ['shared', 'each'].map((id) => ({
    id,
    scope: id === 'each' ? 'agent' : 'all',
    window: 'month',
    limitMicros: UNLIMITED,
  }));
  return { db, budgets: new Budgets(db, limits) };
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

    const { db, budgets } = reopen(path);
    const all = budgets.balanceOf('shared', '') ?? { spent: Number.NaN, reserved: Number.NaN };
    expect(budgets.balanceOf('each', 'bot')).toEqual(all);
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

test('several processes at once cannot exceed a budget by one micro-dollar', async () => {
  const path = freshPath();
  reopen(path).db.close();
  const spenders = Array.from({ length: 3 }, () => startSpender(path, 1_400));
  await Promise.all(spenders.map(({ process: child }) => once(child, 'close')));
  const settled = spenders.reduce((sum, { counts }) => sum + counts.settled, 0);
  const { budgets } = reopen(path);
  expect(budgets.balanceOf('shared', '')).toEqual({ spent: settled * 7, reserved: 0 });
  // A process stops at its first refusal, which what the others hold may cause: at most ten each.
  expect(settled * 7).toBeLessThanOrEqual(1_400);
  expect(settled * 7).toBeGreaterThan(1_400 - 10 * spenders.length);
}, 60_000);
