import { FriendlyError } from '../friendly-error.mjs';
import { runCommand } from './run-command.mjs';

/**
 * Builds what changed since the last build.
 *
 * @param {import('../progress.mjs').Progress} progress
 * @param {string} [filter] - of turbo; everything when left out.
 */
export async function buildStale(progress, filter = '*') {
  await progress.step('Building what changed', async () => {
    const { code, output } = await runCommand(
      'turbo',
      ['run', 'build', `--filter=${filter}`, '--output-logs=errors-only', '--no-color'],
      {
        env: {
          ...process.env,
          TURBO_TELEMETRY_DISABLED: '1',
          DO_NOT_TRACK: '1',
          NEXT_TELEMETRY_DISABLED: '1',
        },
      },
    );
    if (code !== 0) throw new FriendlyError(`The build failed:\n${output.trim()}`);
  });
}
