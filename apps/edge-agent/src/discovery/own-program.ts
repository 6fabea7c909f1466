import { realpathSync } from 'node:fs';
import { isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';

/** What the command line of this program is started from, in the repository and once it is built. */
const SCRIPTS: ReadonlySet<string> = new Set(
  ['../../bin/raypher.mjs', '../cli/main.js', '../cli/main.ts'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  ),
);

/**
 * Whether a script, or an executable, is this very program: `raypher run` beside the command that it started, say.
 * It carries the keys of what it starts along, and does nothing with them. That excuses it from no more than a
 * package manager is excused from: whoever lets it load other code and calls a model is an AI agent all the same.
 *
 * @param path absolute, without symbolic links
 */
export function isOwnScript(path: string): boolean {
  return !isSea() && SCRIPTS.has(path);
}

/** See {@link isOwnScript}; of the one executable. */
export function isOwnExecutable(path: string): boolean {
  return isSea() && path === realpathSync(process.execPath);
}
