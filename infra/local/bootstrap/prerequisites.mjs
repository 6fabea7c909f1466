import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { FriendlyError } from '../friendly-error.mjs';
import { runCommand } from './run-command.mjs';

/**
 * @typedef {object} Prerequisite
 * @property {string} command - the program looked for on PATH.
 * @property {string[]} [others] - programs that do as well.
 * @property {string} [file] - looked for instead, where there is no program.
 * @property {string} apt - the Debian and Ubuntu package that has it.
 * @property {string} brew - the Homebrew formula that has it.
 * @property {string} why - completes "Needed for …".
 * @property {('start' | 'test')[]} for
 * @property {NodeJS.Platform[]} [on] - the only systems that need it.
 */

/** What npm cannot bring. @type {Prerequisite[]} */
const PREREQUISITES = [
  {
    command: 'redis-server',
    apt: 'redis-server',
    brew: 'redis',
    why: 'presence, live updates and background jobs',
    for: ['start', 'test'],
  },
  {
    command: 'chromium',
    others: ['chromium-browser', 'google-chrome'],
    apt: 'chromium',
    brew: '--cask chromium',
    why: 'the tests that use the dashboard in a real browser',
    for: ['test'],
  },
  {
    command: 'swtpm',
    apt: 'swtpm',
    brew: 'swtpm',
    why: 'the tests that use a TPM',
    for: ['test'],
    on: ['linux'],
  },
  {
    command: 'swtpm_setup',
    apt: 'swtpm-tools',
    brew: 'swtpm',
    why: 'the tests that use a TPM as it comes from a factory',
    for: ['test'],
    on: ['linux'],
  },
  {
    // Brings libtss2, which the agent speaks to TPMs with.
    command: 'tpm2',
    apt: 'tpm2-tools',
    brew: 'tpm2-tools',
    why: 'the tests that compare our TPM commands with those of others',
    for: ['test'],
    on: ['linux'],
  },
  {
    command: 'certutil',
    apt: 'libnss3-tools',
    brew: 'nss',
    why: 'the test that makes browsers trust a root',
    for: ['test'],
    on: ['linux'],
  },
  {
    command: 'docker-compose',
    apt: 'docker-compose',
    brew: 'docker-compose',
    why: 'the tests that check how the product is run in containers',
    for: ['test'],
  },
  {
    command: 'clang',
    apt: 'clang',
    brew: 'llvm',
    why: 'building the programs that the guard puts into the kernel',
    for: ['test'],
    on: ['linux'],
  },
  {
    command: 'libbpf-dev',
    file: '/usr/include/bpf/bpf_helpers.h',
    apt: 'libbpf-dev',
    brew: 'libbpf',
    why: 'building and loading them',
    for: ['test'],
    on: ['linux'],
  },
  {
    // Brings libnftables, which the agent writes rules with.
    command: 'nft',
    file: '/usr/sbin/nft',
    apt: 'nftables',
    brew: 'nftables',
    why: 'the tests of the rules that stand in for such programs',
    for: ['test'],
    on: ['linux'],
  },
  {
    command: 'qemu-system-x86_64',
    apt: 'qemu-system-x86',
    brew: 'qemu',
    why: 'the tests of the guard in kernels of their own',
    for: ['test'],
    on: ['linux'],
  },
  {
    command: 'busybox',
    apt: 'busybox-static',
    brew: 'busybox',
    why: 'the system that those kernels start',
    for: ['test'],
    on: ['linux'],
  },
  {
    command: 'mke2fs',
    apt: 'e2fsprogs',
    brew: 'e2fsprogs',
    why: 'the disk that those kernels start from',
    for: ['test'],
    on: ['linux'],
  },
];

/**
 * Makes sure that the programs for `purpose` are there: installs them with apt-get when we are root on a system that
 * has it, and otherwise says exactly what to run.
 *
 * @param {'start' | 'test'} purpose
 * @param {{ progress: import('../progress.mjs').Progress, yes?: boolean, table?: Prerequisite[] }} options -
 *   `yes` does not ask before installing.
 */
export async function ensurePrerequisites(purpose, { progress, yes = false, table = PREREQUISITES }) {
  const missing = table.filter((entry) => isFor(entry, purpose) && !isThere(entry));
  if (missing.length === 0) return;
  for (const { command, why } of missing) progress.note(`${command} is missing. Needed for ${why}.`);
  const packages = missing.map(({ apt }) => apt);
  if (findOnPath('apt-get') === undefined || process.getuid?.() !== 0 || !(await allowed(packages, yes))) {
    throw new FriendlyError(
      `Missing: ${missing.map(({ command }) => command).join(', ')}.`,
      `Run: ${installCommand(missing)}`,
    );
  }
  await progress.step(`Installing ${packages.join(', ')}`, () => aptInstall(packages));
  const still = missing.filter((entry) => !isThere(entry));
  if (still.length > 0) {
    throw new FriendlyError(
      `apt-get installed ${packages.join(', ')}, but ${still.map(({ command }) => command).join(', ')} is not on PATH.`,
    );
  }
}

/**
 * @param {string} command
 * @param {string} [path]
 * @returns {string | undefined} the executable file.
 */
export function findOnPath(command, path = process.env.PATH ?? '') {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, command);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not here: the next folder.
    }
  }
  return undefined;
}

/**
 * @param {Prerequisite} prerequisite
 * @param {'start' | 'test'} purpose
 */
function isFor(prerequisite, purpose) {
  return prerequisite.for.includes(purpose) && (prerequisite.on?.includes(process.platform) ?? true);
}

/** @param {Prerequisite} prerequisite */
function isThere({ command, others = [], file }) {
  if (file !== undefined) return existsSync(file);
  return [command, ...others].some((name) => findOnPath(name) !== undefined);
}

/** @param {Prerequisite[]} missing */
function installCommand(missing) {
  if (process.platform === 'darwin') return missing.map(({ brew }) => `brew install ${brew}`).join(' && ');
  return `sudo apt-get install --no-install-recommends ${missing.map(({ apt }) => apt).join(' ')}`;
}

/**
 * @param {string[]} packages
 * @param {boolean} yes
 */
async function allowed(packages, yes) {
  if (yes || process.stdin.isTTY !== true) return true;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await prompt.question(`    Install ${packages.join(', ')} with apt-get now? [Y/n] `);
    return !/^n/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

/** A fresh machine may still be updating itself: its turn is waited for. */
const WAIT_FOR_LOCK = 'DPkg::Lock::Timeout=300';

/** @param {string[]} packages */
async function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    runCommand('apt-get', ['install', '-y', '--no-install-recommends', '-o', WAIT_FOR_LOCK, ...packages], {
      env,
    });
  let result = await install();
  if (result.code !== 0) {
    // The package lists may be missing (a fresh container) or old.
    await runCommand('apt-get', ['update'], { env });
    result = await install();
  }
  if (result.code !== 0) {
    throw new FriendlyError(
      `apt-get could not install ${packages.join(', ')}:\n${result.output.trim().split('\n').slice(-10).join('\n')}`,
    );
  }
}
