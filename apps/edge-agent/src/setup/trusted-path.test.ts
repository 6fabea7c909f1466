import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { whyReplaceable } from './trusted-path.ts';

test('a program of the system cannot be replaced by others', () => {
  expect(whyReplaceable('/bin/sh')).toBeUndefined();
});

test('a program below a folder for everybody can, also through a link and whoever owns it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-trust-'));
  const program = join(folder, 'raypher');
  writeFileSync(program, '');
  chmodSync(program, 0o755);
  symlinkSync(program, join(folder, 'link'));
  expect(whyReplaceable(program)).toBeDefined();
  expect(whyReplaceable(join(folder, 'link'))).toBeDefined();
  rmSync(folder, { recursive: true });
});
