import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from './lock.mjs';

/** @type {string} */
let folder;
/** @type {string} */
let file;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'raypher-lock-'));
  file = join(folder, 'start.lock');
});
afterEach(() => rm(folder, { recursive: true }));

/** Another process that takes the lock and stays. */
async function holder() {
  const script = `
    import { takeLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.mjs'))};
    takeLock(${JSON.stringify(file)});
    console.log('taken');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  await once(child.stdout, 'data');
  return child;
}

describe('the lock of a data folder', () => {
  it('is refused to a second one, who is told which process has it', async () => {
    const other = await holder();
    expect(() => takeLock(file)).toThrow(`Raypher runs already on this data folder (process ${other.pid}).`);
    other.kill('SIGKILL');
    await once(other, 'exit');
  });

  it('is free again the moment its holder is killed', async () => {
    const other = await holder();
    other.kill('SIGKILL');
    await once(other, 'exit');
    takeLock(file)();
  });

  it('can be taken again after it was given back', () => {
    takeLock(file)();
    takeLock(file)();
  });
});
