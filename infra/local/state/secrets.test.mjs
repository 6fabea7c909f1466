import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secretFile } from './private-files.mjs';
import { loadSecrets } from './secrets.mjs';

/** @type {string} */
let folder;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'raypher-secrets-')), 'secrets');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

describe('the secrets of an installation', () => {
  it('are created once and stay', async () => {
    const first = await loadSecrets(folder);
    const key = await readFile(first.masterKeyFile);
    expect(await loadSecrets(folder)).toEqual(first);
    expect(await readFile(first.masterKeyFile)).toEqual(key);
    expect(key).toHaveLength(32);
  });

  it('can be read by their owner alone', async () => {
    await loadSecrets(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(folder)) {
      expect([name, (await stat(join(folder, name))).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  it('are all different', async () => {
    const { postgres, redis, roles } = await loadSecrets(folder);
    const all = [postgres, redis, ...Object.values(roles)];
    expect(new Set(all).size).toBe(all.length);
  });

  it('are the same for everybody when two create them at once', async () => {
    const create = () => randomUUID();
    const read = await Promise.all(Array.from({ length: 10 }, () => secretFile(join(folder, 'one'), create)));
    expect(new Set(read.map(String)).size).toBe(1);
    expect(await readdir(folder)).toEqual(['one']);
  });
});
