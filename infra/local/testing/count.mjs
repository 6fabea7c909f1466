import { readFile } from 'node:fs/promises';

/**
 * @typedef {{ name: string, reason: string | undefined }} Skipped
 * @typedef {{ passed: number, failed: number, skipped: Skipped[] }} Count
 */

/**
 * Reads what our vitest reporter wrote.
 *
 * @param {string} file
 * @param {boolean} succeeded - whether vitest ended with success.
 * @returns {Promise<Count>}
 */
export async function countVitest(file, succeeded) {
  const count = await readJson(file);
  return atLeastOneFailure(count ?? { passed: 0, failed: 0, skipped: [] }, succeeded);
}

/**
 * Reads what Playwright's JSON reporter wrote. A flaky test counts as failed: it failed once.
 *
 * @param {string} file
 * @param {boolean} succeeded
 * @returns {Promise<Count>}
 */
export async function countPlaywright(file, succeeded) {
  const report = await readJson(file);
  /** @type {Count} */
  const count = { passed: 0, failed: report?.errors?.length ?? 0, skipped: [] };
  for (const suite of report?.suites ?? []) addSuite(count, suite, []);
  return atLeastOneFailure(count, succeeded);
}

/**
 * @typedef {{ title: string, suites?: PlaywrightSuite[], specs?: { title: string, tests: PlaywrightTest[] }[] }} PlaywrightSuite
 * @typedef {{ status: 'expected' | 'unexpected' | 'flaky' | 'skipped',
 *   annotations: { type: string, description?: string }[] }} PlaywrightTest
 *
 * @param {Count} count
 * @param {PlaywrightSuite} suite
 * @param {string[]} above
 */
function addSuite(count, suite, above) {
  const titles = [...above, suite.title];
  for (const child of suite.suites ?? []) addSuite(count, child, titles);
  for (const spec of suite.specs ?? []) {
    for (const test of spec.tests) {
      if (test.status === 'expected') count.passed += 1;
      else if (test.status === 'skipped') {
        const reason = test.annotations.find(({ type }) => type === 'skip' || type === 'fixme')?.description;
        count.skipped.push({ name: [...titles, spec.title].join(' > '), reason });
      } else count.failed += 1;
    }
  }
}

/**
 * A runner that failed without naming a test (it crashed, it found none) still is a failure.
 *
 * @param {Count} count
 * @param {boolean} succeeded
 */
function atLeastOneFailure(count, succeeded) {
  return succeeded || count.failed > 0 ? count : { ...count, failed: 1 };
}

/** @param {string} file */
async function readJson(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}
