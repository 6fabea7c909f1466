import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../paths.mjs';
import { dependenciesAreCurrent } from './dependencies.mjs';

/** @type {string} */
let root;

/**
 * @param {string} file
 * @param {Record<string, object>} packages
 */
const lock = (file, packages) => writeFile(join(root, file), JSON.stringify({ packages }));

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'raypher-npm-'));
  await mkdir(join(root, 'node_modules'));
  await lock('package-lock.json', {
    '': {},
    'packages/ours': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'x' },
    'node_modules/for-another-system': { version: '1.0.0', integrity: 'y', optional: true },
  });
});
afterEach(() => rm(root, { recursive: true }));

describe('the installed npm packages', () => {
  it('are current when they are those of the lockfile, whatever optional ones this system lacks', async () => {
    await lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.0', integrity: 'x' } });
    expect(await dependenciesAreCurrent(root)).toBe(true);
  });

  it('are not current when one differs in version or content', async () => {
    await lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.1', integrity: 'x' } });
    expect(await dependenciesAreCurrent(root)).toBe(false);
    await lock('node_modules/.package-lock.json', { 'node_modules/a': { version: '1.0.0', integrity: 'z' } });
    expect(await dependenciesAreCurrent(root)).toBe(false);
  });

  it('are not current when one is missing, or all, or the installation was interrupted', async () => {
    await lock('node_modules/.package-lock.json', {});
    expect(await dependenciesAreCurrent(root)).toBe(false);
    await rm(join(root, 'node_modules/.package-lock.json'));
    expect(await dependenciesAreCurrent(root)).toBe(false);
  });

  it('are recognised in this very checkout', async () => {
    expect(await dependenciesAreCurrent(ROOT)).toBe(true);
  });
});
