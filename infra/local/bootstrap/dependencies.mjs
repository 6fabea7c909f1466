import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FriendlyError } from '../friendly-error.mjs';
import { ROOT } from '../paths.mjs';
import { runCommand } from './run-command.mjs';

/**
 * Installs the npm packages when they are missing or are not those of package-lock.json.
 *
 * @param {import('../progress.mjs').Progress} progress
 */
export async function ensureDependencies(progress) {
  if (await dependenciesAreCurrent(ROOT)) return;
  await progress.step('Installing npm packages', install);
}

async function install() {
  const quiet = ['--no-audit', '--no-fund'];
  let { code, output } = await runCommand('npm', ['ci', ...quiet]);
  // `npm ci` refuses a lockfile that lacks the optional packages of other platforms, which is what npm writes when the
  // registry it was made with does not have them. Installing without saving takes the same locked versions.
  if (code !== 0 && output.includes('EUSAGE')) {
    ({ code, output } = await runCommand('npm', ['install', '--no-save', ...quiet]));
  }
  if (code !== 0) {
    const lines = output.split('\n').filter((line) => !line.startsWith('npm warn') && line.trim() !== '');
    throw new FriendlyError(
      `npm could not install the packages:\n${lines.slice(0, 15).join('\n')}`,
      'Check the connection to the npm registry, then run the same command again.',
    );
  }
}

/**
 * npm writes `node_modules/.package-lock.json` when an installation is complete: it is compared with package-lock.json.
 *
 * @param {string} root
 * @returns {Promise<boolean>}
 */
export async function dependenciesAreCurrent(root) {
  const wanted = await readPackages(join(root, 'package-lock.json'));
  const installed = await readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true;
    const found = installed[path];
    if (found === undefined)
      return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, peer?: boolean }} Entry
 * @param {string} file
 * @returns {Promise<Record<string, Entry> | undefined>}
 */
async function readPackages(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}
