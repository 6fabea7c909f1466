import { fileURLToPath } from 'node:url';
import { countPlaywright, countVitest } from './count.mjs';

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {'lint' | 'build' | 'unit' | 'kernel' | 'medium' | 'e2e'} part - what `npm test -- PART` selects.
 * @property {string} title
 * @property {string} command
 * @property {string[]} args
 * @property {(report: string) => Record<string, string>} [env] - given the file the report goes to.
 * @property {(report: string, succeeded: boolean) => Promise<import('./count.mjs').Count>} [count] - for steps that
 *   run tests.
 */

const REPORTER = fileURLToPath(import.meta.resolve('./vitest-report.mjs'));
const LOCAL_TESTS = fileURLToPath(import.meta.resolve('../../vitest.config.ts'));

/**
 * @param {string} name
 * @param {'unit' | 'kernel' | 'medium'} part
 * @param {string} title
 * @param {string[]} args
 * @returns {Step}
 */
const vitest = (name, part, title, args) => ({
  name,
  part,
  title,
  command: 'vitest',
  args: ['run', ...args, '--reporter=default', `--reporter=${REPORTER}`],
  env: (report) => ({ RAYPHER_TEST_REPORT: report }),
  count: countVitest,
});

/** What `npm test` does, in order. @type {Step[]} */
const STEPS = [
  { name: 'biome', part: 'lint', title: 'Format and lint (biome)', command: 'biome', args: ['check', '.'] },
  {
    name: 'knip',
    part: 'lint',
    title: 'Unused files, exports and dependencies (knip)',
    command: 'knip',
    args: [],
  },
  {
    name: 'build',
    part: 'build',
    title: 'Types and build (turbo, tsc, next)',
    command: 'turbo',
    args: ['run', 'build', '--output-logs=errors-only', '--no-color'],
  },
  { name: 'types', part: 'lint', title: 'Types of the scripts (tsc)', command: 'tsc', args: ['-p', 'infra'] },
  {
    name: 'e2e-types',
    part: 'lint',
    title: 'Types of the browser tests (tsc)',
    command: 'tsc',
    args: ['-p', 'e2e'],
  },
  {
    name: 'weather-types',
    part: 'lint',
    title: 'Types of the weather suite (tsc)',
    command: 'tsc',
    args: ['-p', 'weather'],
  },
  {
    name: 'bench-types',
    part: 'lint',
    title: 'Types of the benches (tsc)',
    command: 'tsc',
    args: ['-p', 'bench'],
  },
  vitest('unit', 'unit', 'Unit tests (vitest)', ['--project', 'unit']),
  vitest('kernel', 'kernel', 'The guard in kernels of virtual machines (vitest)', ['--project', 'kernel']),
  vitest('medium', 'medium', 'Tests on a real Postgres and Redis (vitest)', ['--project', 'medium']),
  vitest('local', 'medium', 'Tests of the commands (vitest)', ['--config', LOCAL_TESTS]),
  {
    name: 'e2e',
    part: 'e2e',
    title: 'The whole product in a browser (Playwright)',
    command: 'playwright',
    args: ['test', '--config', 'e2e', '--reporter=list,json'],
    env: (report) => ({ PLAYWRIGHT_JSON_OUTPUT_NAME: report }),
    count: countPlaywright,
  },
];

export const PARTS = /** @type {const} */ (['lint', 'unit', 'kernel', 'medium', 'e2e']);

/**
 * The steps of one part, with what it needs.
 *
 * @param {string | undefined} part - all of them when left out.
 */
export function stepsFor(part) {
  return part === undefined ? STEPS : STEPS.filter((step) => step.part === part || step.part === 'build');
}
