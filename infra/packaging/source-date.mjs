import { runCommand } from '../local/bootstrap/run-command.mjs';

/** 2026-01-01: for sources without a history, such as an archive. */
const WITHOUT_HISTORY = 1_767_225_600;

/**
 * The time that files in packages get (https://reproducible-builds.org/specs/source-date-epoch/).
 *
 * @returns {Promise<number>} seconds
 */
export async function sourceDateEpoch(environment = process.env) {
  const given = environment.SOURCE_DATE_EPOCH;
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  const { code, output } = await runCommand('git', ['log', '-1', '--format=%ct']).catch(() => ({
    code: 1,
    output: '',
  }));
  return code === 0 && /^\d+$/.test(output.trim()) ? Number(output.trim()) : WITHOUT_HISTORY;
}
