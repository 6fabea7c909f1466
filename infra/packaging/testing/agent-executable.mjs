import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildAgentExecutable } from '../executable.mjs';

/** Names the folder that executables.setup.mjs made. */
export const EXECUTABLES = 'RAYPHER_TEST_EXECUTABLES';

/**
 * `raypher` as one file, built by the first test that asks and the same for all of them. Nobody writes to it.
 *
 * @returns {Promise<string>} where it is.
 */
export async function agentExecutable() {
  const folder = process.env[EXECUTABLES];
  if (folder === undefined) throw new Error('Run this with infra/vitest.config.ts: it makes the folder.');
  const file = join(folder, 'raypher');
  if (!existsSync(file)) await buildAgentExecutable(file);
  return file;
}
