import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { boundLimits, readCgroupLimits, writeCgroupLimits } from './cgroup-limits.ts';

/** Files as in the hierarchy; what the kernel makes of them is the adoption's test. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'raypher-limits-'));
});

function group(path: string, files: Record<string, string>): string {
  const folder = join(root, path);
  mkdirSync(folder, { recursive: true });
  for (const [file, value] of Object.entries(files)) writeFileSync(join(folder, file), `${value}\n`);
  return folder;
}

it('of all groups that a process is in the tightest limit holds', () => {
  group('a.slice', {
    'memory.max': '1000',
    'pids.max': '50',
    'cpu.max': '50000 100000',
    'memory.swap.max': 'max',
  });
  const leaf = group('a.slice/b.scope', {
    'memory.max': '2000',
    'pids.max': 'max',
    'cpu.max': '20000 20000',
    'memory.high': '900',
    'cpu.weight': '100',
    'memory.min': '1',
    'memory.current': '5',
  });
  expect(readCgroupLimits(root, leaf)).toEqual({
    'memory.max': '1000',
    'memory.high': '900',
    'pids.max': '50',
    'cpu.max': '50000 100000',
  });
});

it('numbers are compared as numbers, whatever their length', () => {
  group('a', { 'memory.max': '9223372036854771712' });
  expect(readCgroupLimits(root, group('a/b', { 'memory.max': '10' }))).toEqual({ 'memory.max': '10' });
});

it('the first group has none, and one that is gone has none of its own', () => {
  group('', { 'memory.max': '1' });
  group('a', { 'pids.max': '7' });
  expect(readCgroupLimits(root, join(root, 'a/gone'))).toEqual({ 'pids.max': '7' });
});

it('limits of a place are told from those that can be written elsewhere', () => {
  const limits = readCgroupLimits(
    root,
    group('a', { 'cpuset.cpus': '0-1', 'io.max': '', 'cpuset.mems': '', 'pids.max': '7' }),
  );
  expect(boundLimits(limits)).toEqual(['cpuset.cpus']);
});

it('limits are written after their controllers were enabled, and those only', () => {
  group('raypher', { 'cgroup.subtree_control': 'memory' });
  const leaf = group('raypher/adopted-1', {});
  writeCgroupLimits(leaf, { 'memory.max': '1000', 'pids.max': '7' });
  expect(readFileSync(join(root, 'raypher/cgroup.subtree_control'), 'utf8')).toBe('+pids');
  expect(readFileSync(join(leaf, 'memory.max'), 'utf8')).toBe('1000');
  expect(readFileSync(join(leaf, 'pids.max'), 'utf8')).toBe('7');
});
