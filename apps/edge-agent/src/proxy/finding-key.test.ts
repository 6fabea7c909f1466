import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFindingKey } from './finding-key.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finding-key-'));
  path = join(folder, 'dlp', 'finding.key');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a key is made once, for its owner alone', () => {
  const key = openFindingKey(path);
  expect(key).toHaveLength(32);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'dlp')).mode & 0o777).toBe(0o700);
  expect(Buffer.from(openFindingKey(path)).equals(key)).toBe(true);
});

test('another machine has another key', () => {
  expect(Buffer.from(openFindingKey(path)).equals(openFindingKey(join(folder, 'other.key')))).toBe(false);
});

test('a file that holds no key is neither used nor overwritten', () => {
  openFindingKey(path);
  writeFileSync(path, '00');
  expect(() => openFindingKey(path)).toThrow(/does not hold a key/);
  expect(readFileSync(path, 'utf8')).toBe('00');
});
