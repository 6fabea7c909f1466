import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../bootstrap/run-command.mjs';
import { FriendlyError } from '../friendly-error.mjs';
import { ROOT } from '../paths.mjs';
import { writePrivately } from '../state/private-files.mjs';
import { apiEnvironment, baseEnvironment, PROGRAMS, scriptOf } from './programs.mjs';

/** @typedef {import('./programs.mjs').StackFacts} StackFacts */
/** @typedef {{ organisation: string, email: string, password: string }} Administrator */

const SETUP = join(ROOT, 'apps/ingestor/dist/setup.js');
/** `enrolment/already-enrolled` and the other conflicts: see docs/cli.md. */
const EXIT_CONFLICT = 5;

/**
 * Creates the organisation and its first administrator, when there is none yet.
 *
 * @param {StackFacts} stack
 * @param {Administrator} administrator
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ organisation: string, created: boolean }>} `created` is false when there was one already: then
 *   nothing was changed.
 */
export async function createAdministrator(stack, administrator, signal) {
  const output = await withSetupFile(stack, administrator, [], signal);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}

/**
 * Gives an administrator the password in `administrator`.
 *
 * @param {StackFacts} stack
 * @param {Administrator} administrator
 * @param {AbortSignal} [signal]
 */
export async function resetPassword(stack, administrator, signal) {
  await withSetupFile(stack, administrator, ['--reset-password'], signal);
}

/**
 * @param {StackFacts} stack
 * @param {Administrator} administrator
 * @param {string[]} args
 * @param {AbortSignal} [signal]
 */
async function withSetupFile(stack, administrator, args, signal) {
  const file = join(stack.paths.secrets, `setup-${randomBytes(4).toString('hex')}.json`);
  await writePrivately(file, JSON.stringify(administrator));
  try {
    return await runSetup(stack, args, { env: { RAYPHER_SETUP_FILE: file }, signal });
  } finally {
    await rm(file, { force: true });
  }
}

/**
 * Enrols this machine with a token that works once and is never shown. Trying Raypher out shall not fail because this
 * account may not use the machine's TPM, or a library is missing: then the key is in a file, and that is said.
 *
 * @param {StackFacts} stack
 * @param {{ env?: Record<string, string>, note?: (text: string) => void, signal?: AbortSignal }} [options] - `env`: more
 *   environment for the agent; `note`: told what the person should know.
 */
export async function enrolThisMachine(stack, { env = {}, note = () => {}, signal } = {}) {
  const token = join(stack.paths.secrets, `enrolment-token-${randomBytes(4).toString('hex')}`);
  /** @param {string[]} args */
  const agent = (...args) =>
    runCommand(process.execPath, [scriptOf(PROGRAMS.agent), ...args, '--data-dir', stack.paths.agent], {
      env: { ...baseEnvironment(), ...env },
      signal,
    });
  try {
    await createEnrolmentToken(stack, { file: token, signal });
    const identity = await agent('identity');
    const [reason = ''] = identity.output.trim().split('\n');
    if (identity.code !== 0)
      note(`This machine gets a software identity, a key in a file: ${reason.replace('raypher: ', '')}`);
    const server = `https://127.0.0.1:${stack.ports.tls}`;
    const { code, output } = await agent(
      'enroll',
      ...['--server', server, '--token-file', token],
      ...(identity.code === 0 ? [] : ['--identity', 'software']),
    );
    if (code !== 0 && code !== EXIT_CONFLICT) {
      throw new FriendlyError(`This machine could not be enrolled:\n${output.trim()}`);
    }
  } finally {
    await rm(token, { force: true });
  }
}

/**
 * Writes an enrolment token to a file that only we may read.
 *
 * @param {StackFacts} stack
 * @param {{ file: string, uses?: number, name?: string, signal?: AbortSignal }} options - `uses`: for so many devices, one
 *   when left out; `name`: what it is called in the dashboard, "This machine" when left out.
 */
export async function createEnrolmentToken(stack, { file, uses, name, signal }) {
  const more = [
    ...(uses === undefined ? [] : ['--uses', String(uses)]),
    ...(name === undefined ? [] : ['--name', name]),
  ];
  await rm(file, { force: true });
  await runSetup(stack, ['--enrolment-token', '--out', file, ...more], { signal });
}

/**
 * @param {StackFacts} stack
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, signal?: AbortSignal }} options
 */
async function runSetup(stack, args, { env = {}, signal }) {
  const { code, output } = await runCommand(process.execPath, [SETUP, ...args], {
    env: { ...baseEnvironment(), ...apiEnvironment(stack), ...env },
    signal,
  });
  if (code !== 0) throw new FriendlyError(`The set-up failed:\n${output.trim()}`);
  return output;
}
