import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openDatabase } from './database.ts';

const scratch = (): string => mkdtempSync(join(tmpdir(), 'raypher-store-'));

test('a new store is private to its owner, log files included', () => {
  const folder = join(scratch(), 'agent');
  const { db } = openDatabase(join(folder, 'agent.db'));
  db.exec("INSERT INTO frozen_trees VALUES ('a', '{}')");
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const file of readdirSync(folder)) {
    expect(`${file} ${(statSync(join(folder, file)).mode & 0o777).toString(8)}`).toBe(`${file} 600`);
  }
  expect(readdirSync(folder)).toContain('agent.db-wal');
  db.close();
});

test('what was written is there after the next start, and nothing is set aside', () => {
  const path = join(scratch(), 'agent.db');
  const first = openDatabase(path);
  first.db.exec("INSERT INTO frozen_trees VALUES ('a', '{}')");
  first.db.close();
  const { db, setAside } = openDatabase(path);
  expect(setAside).toBeUndefined();
  expect(db.prepare('SELECT id FROM frozen_trees').all()).toEqual([{ id: 'a' }]);
});

test('a file that is no database is set aside unchanged, under the time it was found', () => {
  const path = join(scratch(), 'agent.db');
  const garbage = 'this was once a database'.repeat(200);
  writeFileSync(path, garbage);
  const { db, setAside } = openDatabase(path, Date.UTC(2026, 10, 20, 9, 30));
  expect(setAside?.path).toBe(`${path}.corrupt-2026-11-20T09-30-00-000Z`);
  expect(readFileSync(setAside?.path ?? '', 'utf8')).toBe(garbage);
  expect(db.prepare('SELECT count(*) AS n FROM events').get()).toEqual({ n: 0 });
});

test('damage inside a page is found, not only a broken header', () => {
  const path = join(scratch(), 'agent.db');
  const { db } = openDatabase(path);
  const insert = db.prepare('INSERT INTO frozen_trees VALUES (?, ?)');
  for (let i = 0; i < 2000; i++) insert.run(`tree-${i}`, 'x'.repeat(200));
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  const bytes = readFileSync(path);
  bytes.fill(0xff, bytes.length - 40_960, bytes.length - 4096);
  writeFileSync(path, bytes);
  const reopened = openDatabase(path);
  expect(reopened.setAside?.reason).toBeTypeOf('string');
  expect(reopened.db.prepare('SELECT count(*) AS n FROM frozen_trees').get()).toEqual({ n: 0 });
});

test('a store written by a newer version is refused, not downgraded', () => {
  const path = join(scratch(), 'agent.db');
  openDatabase(path).db.close();
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 999');
  db.close();
  expect(() => openDatabase(path)).toThrowError(/newer version/);
});
