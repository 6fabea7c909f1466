import { chmodSync, chownSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensurePrivateFolder } from './private-folder.ts';

const folder = (mode: number) => {
  const path = mkdtempSync(join(tmpdir(), 'raypher-folder-'));
  chmodSync(path, mode);
  return path;
};
const modeOf = (path: string) => statSync(path).mode & 0o7777;

test('a folder it creates is for its owner alone', () => {
  const path = join(folder(0o700), 'a', 'b');
  ensurePrivateFolder(path);
  expect(modeOf(path)).toBe(0o700);
});

test.each([0o755, 0o1777])('a folder that exists with mode %o is used and left as it is', (mode) => {
  const path = folder(mode);
  ensurePrivateFolder(path);
  expect(modeOf(path)).toBe(mode);
});

test('a folder in which others can swap files is refused', () => {
  expect(() => ensurePrivateFolder(folder(0o777))).toThrowError(/Other users can write/);
});

test('what is no folder is refused by its name', () => {
  const file = join(folder(0o700), 'file');
  writeFileSync(file, '');
  expect(() => ensurePrivateFolder(file)).toThrowError(/file is a file; a folder is needed/);
  expect(() => ensurePrivateFolder(join(file, 'below'))).toThrowError(/leads through a file/);
});

test.skipIf(process.getuid?.() !== 0)('a folder that belongs to somebody else is refused', () => {
  const path = folder(0o755);
  chownSync(path, 65_534, 65_534);
  expect(() => ensurePrivateFolder(path)).toThrowError(/belongs to another user/);
});
