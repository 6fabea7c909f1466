import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../bootstrap/run-command.mjs';
import { seconds } from '../progress.mjs';
import { nothing } from './count.mjs';

/**
 * A test that fails is tried once more, for a busy machine can make any wait too short; one that passes then is named
 * in the end, to be mended. More than these, and it is not the machine.
 */
export const MOST_UNSTEADY = 4;

/**
 * Runs every step, also after one failed, and ends with the sum of all tests.
 *
 * @param {import('./steps.mjs').Step[]} steps
 * @returns {Promise<number>} the exit code.
 */
export async function runSteps(steps) {
  const folder = await mkdtemp(join(tmpdir(), 'raypher-test-'));
  const total = nothing();
  /** @type {string[]} */
  const failedSteps = [];
  try {
    for (const step of steps) {
      console.log(`\n── ${step.title} ${'─'.repeat(Math.max(0, 70 - step.title.length))}`);
      const started = performance.now();
      const report = join(folder, `${step.name}.json`);
      const { code } = await runCommand(step.command, step.args, {
        show: true,
        env: { ...process.env, ...QUIET, ...step.env?.(report) },
      });
      if (code !== 0) failedSteps.push(step.title);
      const count = await step.count?.(report, code === 0);
      if (count !== undefined) {
        total.passed += count.passed;
        total.failed += count.failed;
        total.skipped.push(...count.skipped);
        total.unsteady.push(...count.unsteady);
      }
      console.log(`   ${code === 0 ? 'passed' : 'FAILED'} in ${seconds(performance.now() - started)}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (total.unsteady.length > MOST_UNSTEADY) {
    failedSteps.push(`${total.unsteady.length} tests are unsteady, and ${MOST_UNSTEADY} may be`);
  }
  console.log(`\n${summary(total, failedSteps)}`);
  return failedSteps.length === 0 && total.failed === 0 ? 0 : 1;
}

const QUIET = { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', NEXT_TELEMETRY_DISABLED: '1' };

/**
 * @param {import('./count.mjs').Count} total
 * @param {string[]} failedSteps
 */
export function summary({ passed, failed, skipped, unsteady }, failedSteps) {
  return [
    ...skipped.map(({ name, reason }) => `Skipped: ${name} (${reason ?? 'no reason given'})`),
    ...unsteady.map(
      ({ name, reason }) => `Unsteady: ${name} (passed at the second try; the first: ${reason})`,
    ),
    ...failedSteps.map((title) => `Failed: ${title}`),
    `Tests: ${passed} passed, ${failed} failed, ${skipped.length} skipped`,
  ].join('\n');
}
