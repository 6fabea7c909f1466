import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runBench } from './run-bench.mjs';

/** @type {string} */
let file;
beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'raypher-bench-')), 'a.bench.ts');
});
afterEach(() => rm(join(file, '..'), { recursive: true }));

describe('a bench', () => {
  it('shows nothing but its last line when JSON is wanted', async () => {
    const line = JSON.stringify({ bench: 'a', figures: { p99_ms: 1 } });
    await writeFile(
      file,
      `const p99: number = 1; console.log('a table', p99); console.log(${JSON.stringify(line)});`,
    );
    const log = vi.spyOn(console, 'log').mockReturnValue();
    expect(await runBench(file, { jsonOnly: true })).toBe(0);
    expect(log.mock.calls).toEqual([[line]]);
    log.mockRestore();
  });

  it.each([`console.log('done')`, `console.log('{"bench":"a"}')`, ''])(
    'must end with figures: %s',
    async (script) => {
      await writeFile(file, script);
      await expect(runBench(file, { jsonOnly: true })).rejects.toThrow('did not end with a line of JSON');
    },
  );

  it('hands on its exit code when it fails', async () => {
    await writeFile(file, 'process.exit(3)');
    expect(await runBench(file, { jsonOnly: true })).toBe(3);
  });
});
