import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { FriendlyError } from '../friendly-error.mjs';
import { BIN } from '../paths.mjs';

/**
 * Continues under the Node.js of the project (an npm package), whatever Node.js the person has.
 *
 * @param {string} script - the file to run again, with the same arguments.
 * @returns {Promise<boolean>} true when this process runs under it already; otherwise it never returns: this process
 *   ends with the other one's exit code.
 */
export async function underProjectNode(script) {
  const node = join(BIN, process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(node)) {
    throw new FriendlyError(
      'The Node.js that the project brings is missing from node_modules.',
      'Run `npm ci`. If it says that an install script was skipped, run `npm rebuild node`.',
    );
  }
  process.env.PATH = `${BIN}${delimiter}${process.env.PATH ?? ''}`;
  if (realpathSync(node) === realpathSync(process.execPath)) return true;
  const child = spawn(node, [script, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; the child decides what happens and we wait for it.
  process.on('SIGINT', () => {});
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => resolve(exitCode ?? (signal === null ? 1 : 130)));
  });
  process.exit(code);
}
