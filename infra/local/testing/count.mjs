import { readFile } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';

/**
 * @typedef {{ name: string, reason: string | undefined }} Skipped
 * @typedef {{ name: string, reason: string }} Unsteady - passed only at the second try; why the first failed, in a line.
 * @typedef {{ passed: number, failed: number, skipped: Skipped[], unsteady: Unsteady[] }} Count - an unsteady test is one
 *   of the passed.
 */

/** @returns {Count} */
export const nothing = () => ({ passed: 0, failed: 0, skipped: [], unsteady: [] });

/**
 * Reads what our vitest reporter wrote.
 *
 * @param {string} file
 * @param {boolean} succeeded - whether vitest ended with success.
 * @returns {Promise<Count>}
 */
export async function countVitest(file, succeeded) {
  const count = await readJson(file);
  return atLeastOneFailure(count ?? nothing(), succeeded);
}

/**
 * Reads what Playwright's JSON reporter wrote.
 *
 * @param {string} file
 * @param {boolean} succeeded
 * @returns {Promise<Count>}
 */
export async function countPlaywright(file, succeeded) {
  const report = await readJson(file);
  const count = { ...nothing(), failed: report?.errors?.length ?? 0 };
  for (const suite of report?.suites ?? []) addSuite(count, suite, []);
  return atLeastOneFailure(count, succeeded);
}

/**
 * @typedef {{ title: string, suites?: PlaywrightSuite[], specs?: { title: string, tests: PlaywrightTest[] }[] }} PlaywrightSuite
 * @typedef {{ status: 'expected' | 'unexpected' | 'flaky' | 'skipped',
 *   annotations: { type: string, description?: string }[],
 *   results?: { error?: { message?: string } }[] }} PlaywrightTest
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
      const name = [...titles, spec.title].join(' > ');
      if (test.status === 'unexpected') count.failed += 1;
      else if (test.status === 'skipped') {
        const reason = test.annotations.find(({ type }) => type === 'skip' || type === 'fixme')?.description;
        count.skipped.push({ name, reason });
      } else count.passed += 1;
      if (test.status === 'flaky')
        count.unsteady.push({ name, reason: inOneLine(test.results?.[0]?.error?.message) });
    }
  }
}

/**
 * The first line of an error's message, without colours.
 *
 * @param {string | undefined} message
 */
export const inOneLine = (message) =>
  stripVTControlCharacters(message ?? 'no message').split('\n', 1)[0] ?? '';

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
