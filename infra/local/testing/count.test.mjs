import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../bootstrap/run-command.mjs';
import { ROOT } from '../paths.mjs';
import { countPlaywright, countVitest, nothing } from './count.mjs';
import { MOST_UNSTEADY, runSteps, summary } from './run-steps.mjs';

/** @type {string} */
let folder;
beforeEach(async () => {
  // Below the repository, so that the tests in it find vitest.
  await mkdir(join(ROOT, 'node_modules', '.cache'), { recursive: true });
  folder = await mkdtemp(join(ROOT, 'node_modules', '.cache', 'raypher-count-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** `runSteps` here ends with a sum as well; nobody shall take it for that of the whole run. */
const silently = () => vi.spyOn(console, 'log').mockImplementation(() => {});

/** @param {Record<string, string>} files */
async function runVitest(files) {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  await writeFile(
    join(folder, 'vitest.config.mjs'),
    'export default { test: { include: ["*.check.mjs"], retry: 1 } }',
  );
  const report = join(folder, 'report.json');
  const reporter = join(import.meta.dirname, 'vitest-report.mjs');
  const { code } = await runCommand('vitest', ['run', '--root', folder, `--reporter=${reporter}`], {
    env: { ...process.env, RAYPHER_TEST_REPORT: report },
  });
  return countVitest(report, code === 0);
}

const node = process.execPath;

/**
 * A step whose runner does nothing but to write this report.
 *
 * @param {string} report
 * @param {import('./count.mjs').Count} count
 * @returns {import('./steps.mjs').Step}
 */
const testsThatReport = (report, count) => ({
  name: 'tests',
  part: 'unit',
  title: 'Tests',
  command: node,
  args: ['-e', 'fs.writeFileSync(process.argv[1], process.argv[2])', report, JSON.stringify(count)],
  count: (_, succeeded) => countVitest(report, succeeded),
});

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
      unsteady: [],
    });
  });

  it('names a vitest test that passed at the second try, and why the first failed', async () => {
    const count = await runVitest({
      'a.check.mjs': `
        import { expect, it } from 'vitest';
        let tries = 0;
        it('passes in the end', () => expect(++tries, 'tries').toBe(2));`,
    });
    expect(count).toEqual({
      passed: 1,
      failed: 0,
      skipped: [],
      unsteady: [
        {
          name: 'a.check.mjs > passes in the end',
          reason: 'tries: expected 1 to be 2 // Object.is equality',
        },
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
      unsteady: [],
    });
  });

  it('has every Playwright test', async () => {
    const report = join(folder, 'playwright.json');
    /** @param {string} status */
    const spec = (status, annotations = /** @type {object[]} */ ([])) => ({
      title: status,
      tests: [
        { status, annotations, results: [{ error: { message: '\u001b[31mtoo late\u001b[39m\nat 3' } }] },
      ],
    });
    const skipped = spec('skipped', [{ type: 'skip', description: 'needs a kernel' }]);
    const inner = { title: 'inner', specs: [spec('flaky'), skipped] };
    const suites = [{ title: 'a.spec.ts', specs: [spec('expected'), spec('unexpected')], suites: [inner] }];
    await writeFile(report, JSON.stringify({ suites, errors: [] }));
    expect(await countPlaywright(report, false)).toEqual({
      passed: 2,
      failed: 1,
      skipped: [{ name: 'a.spec.ts > inner > skipped', reason: 'needs a kernel' }],
      unsteady: [{ name: 'a.spec.ts > inner > flaky', reason: 'too late' }],
    });
  });

  it('ends with the line that others read', () => {
    const count = {
      passed: 3,
      failed: 1,
      skipped: [{ name: 'a', reason: 'no TPM' }],
      unsteady: [{ name: 'b', reason: 'too late' }],
    };
    expect(summary(count, ['Unit tests'])).toBe(
      [
        'Skipped: a (no TPM)',
        'Unsteady: b (passed at the second try; the first: too late)',
        'Failed: Unit tests',
        'Tests: 3 passed, 1 failed, 1 skipped',
      ].join('\n'),
    );
  });

  it('fails the command when a check without tests fails, and still does the rest', async () => {
    silently();
    const touched = join(folder, 'touched.json');
    const code = await runSteps([
      { name: 'a', part: 'lint', title: 'A check', command: node, args: ['-e', 'process.exit(3)'] },
      testsThatReport(touched, { ...nothing(), passed: 1 }),
    ]);
    expect(code).toBe(1);
    expect(await countVitest(touched, true)).toMatchObject({ passed: 1 });
  });

  it('fails the command when more tests are unsteady than a busy machine makes so', async () => {
    silently();
    const unsteady = Array.from({ length: MOST_UNSTEADY }, (_, at) => ({
      name: `${at}`,
      reason: 'too late',
    }));
    const report = join(folder, 'unsteady.json');
    const run = (/** @type {typeof unsteady} */ tests) =>
      runSteps([testsThatReport(report, { ...nothing(), passed: tests.length, unsteady: tests })]);
    expect(await run(unsteady)).toBe(0);
    expect(await run([...unsteady, { name: 'one more', reason: 'too late' }])).toBe(1);
  });
});
