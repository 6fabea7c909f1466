import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../bootstrap/run-command.mjs';
import { ROOT } from '../paths.mjs';
import { countPlaywright, countVitest } from './count.mjs';
import { runSteps, summary } from './run-steps.mjs';

/** @type {string} */
let folder;
beforeEach(async () => {
  // Below the repository, so that the tests in it find vitest.
  await mkdir(join(ROOT, 'node_modules', '.cache'), { recursive: true });
  folder = await mkdtemp(join(ROOT, 'node_modules', '.cache', 'raypher-count-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** @param {Record<string, string>} files */
async function runVitest(files) {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  await writeFile(join(folder, 'vitest.config.mjs'), 'export default { test: { include: ["*.check.mjs"] } }');
  const report = join(folder, 'report.json');
  const reporter = join(import.meta.dirname, 'vitest-report.mjs');
  const { code } = await runCommand('vitest', ['run', '--root', folder, `--reporter=${reporter}`], {
    env: { ...process.env, RAYPHER_TEST_REPORT: report },
  });
  return countVitest(report, code === 0);
}

describe('the sum of all tests', () => {
  it('has every vitest test, and why one was skipped', async () => {
    const count = await runVitest({
      'a.check.mjs': `
        import { expect, it } from 'vitest';
        it('passes', () => {});
        it('fails', () => expect(1).toBe(2));
        it('skips', ({ skip }) => skip('there is no TPM'));
        it.skip('is left out', () => {});`,
    });
    expect(count).toEqual({
      passed: 1,
      failed: 1,
      skipped: [
        { name: 'a.check.mjs > skips', reason: 'there is no TPM' },
        { name: 'a.check.mjs > is left out', reason: undefined },
      ],
    });
  });

  it('has a failure for a file that cannot be loaded and for an error outside tests', async () => {
    const count = await runVitest({
      'a.check.mjs': `import 'no-such-package';`,
      'b.check.mjs': `
        import { it } from 'vitest';
        it('passes', async () => { Promise.reject(new Error('forgotten')); await new Promise(setImmediate); });`,
    });
    expect(count).toMatchObject({ passed: 1, failed: 2 });
  });

  it('has a failure when a runner crashes before it can write anything', async () => {
    expect(await countVitest(join(folder, 'nothing.json'), false)).toEqual({
      passed: 0,
      failed: 1,
      skipped: [],
    });
  });

  it('has every Playwright test, flaky ones as failed', async () => {
    const report = join(folder, 'playwright.json');
    /** @param {string} status */
    const spec = (status, annotations = /** @type {object[]} */ ([])) => ({
      title: status,
      tests: [{ status, annotations }],
    });
    const skipped = spec('skipped', [{ type: 'skip', description: 'needs a kernel' }]);
    const inner = { title: 'inner', specs: [spec('flaky'), skipped] };
    const suites = [{ title: 'a.spec.ts', specs: [spec('expected'), spec('unexpected')], suites: [inner] }];
    await writeFile(report, JSON.stringify({ suites, errors: [] }));
    expect(await countPlaywright(report, false)).toEqual({
      passed: 1,
      failed: 2,
      skipped: [{ name: 'a.spec.ts > inner > skipped', reason: 'needs a kernel' }],
    });
  });

  it('ends with the line that others read', () => {
    expect(
      summary({ passed: 3, failed: 1, skipped: [{ name: 'a', reason: 'no TPM' }] }, ['Unit tests']),
    ).toBe('Skipped: a (no TPM)\nFailed: Unit tests\nTests: 3 passed, 1 failed, 1 skipped');
  });

  it('fails the command when a check without tests fails, and still does the rest', async () => {
    const touched = join(folder, 'touched.json');
    const node = process.execPath;
    const code = await runSteps([
      { name: 'a', part: 'lint', title: 'A check', command: node, args: ['-e', 'process.exit(3)'] },
      {
        name: 'b',
        part: 'unit',
        title: 'Tests',
        command: node,
        args: [
          '-e',
          `require('fs').writeFileSync(${JSON.stringify(touched)}, '{"passed":1,"failed":0,"skipped":[]}')`,
        ],
        count: (_, succeeded) => countVitest(touched, succeeded),
      },
    ]);
    expect(code).toBe(1);
    expect(await countVitest(touched, true)).toMatchObject({ passed: 1 });
  });
});
