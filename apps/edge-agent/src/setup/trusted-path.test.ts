import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { whyReplaceable } from './trusted-path.ts';

test('a program of the system cannot be replaced by others', () => {
  expect(whyReplaceable('/bin/sh', 'permanent')).toBeUndefined();
});

test('a program below a folder for everybody can, also through a link and whoever owns it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-trust-'));
  const program = join(folder, 'raypher');
  writeFileSync(program, '');
  chmodSync(program, 0o755);
  symlinkSync(program, join(folder, 'link'));
  expect(whyReplaceable(program, 'permanent')).toBeDefined();
  expect(whyReplaceable(join(folder, 'link'), 'permanent')).toBeDefined();
  rmSync(folder, { recursive: true });
});

test.skipIf(process.getuid?.() !== 0)(
  'what is root’s in a sticky folder stays root’s; in another one that all may write to it does not (run as root)',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'raypher-trust-'));
    const program = join(folder, 'raypher');
    writeFileSync(program, '');
    expect(whyReplaceable(program, 'anywhere')).toBeUndefined();
    chmodSync(folder, 0o777);
    expect(whyReplaceable(program, 'anywhere')).toContain(folder);
    chmodSync(folder, 0o1777);
    expect(whyReplaceable(program, 'anywhere')).toBeUndefined();
    rmSync(folder, { recursive: true });
  },
);
