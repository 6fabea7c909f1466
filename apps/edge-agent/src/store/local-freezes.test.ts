import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from './database.ts';
import { LocalFreezes } from './local-freezes.ts';

test('a freeze is in force although the disk is full', () => {
  const { db } = openDatabase(join(mkdtempSync(join(tmpdir(), 'raypher-freezes-')), 'agent.db'));
  const freezes = new LocalFreezes(db);
  const pages = Number(db.prepare('PRAGMA page_count').get()?.page_count);
  db.exec(`PRAGMA max_page_count = ${pages}`);
  const added = Array.from({ length: 10 }, () => ({
    id: randomUUID(),
    selector: { kind: 'all' as const },
    reason: 'x'.repeat(1000),
    by: 'test',
    since: '2026-11-20T10:00:00.000Z',
  }));
  for (const freeze of added) freezes.add(freeze);
  expect(freezes.list().length).toBe(10);
  for (const { id } of added) freezes.remove(id);
  expect(freezes.list()).toEqual([]);
  db.close();
});
