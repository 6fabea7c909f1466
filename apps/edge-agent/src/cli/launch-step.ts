import { accessSync, closeSync, constants, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { RaypherError } from '@raypher/shared/errors';
import type { Confinement } from '../guard/landlock/confinement.ts';
import { LAUNCH_FD, type Launch } from '../guard/landlock/launch.ts';
import { becomeProgram, leave } from '../native/execute.ts';
import { forbidNewPrivileges, landlockAbi, restrictByLandlock } from '../native/landlock.ts';
import { filterSystemCalls } from '../native/seccomp.ts';

/** The shell's convention for a command that was not found or could not be executed. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/**
 * Enters the control group, restricts this process and becomes the command, so that no instruction of the command
 * runs outside and the command keeps this process's number, terminal and parent.
 *
 * When that fails, this process ends with an exit code of a shell.
 */
export function runLaunchStep(): void {
  // The cast: the same program wrote it, and a library that checks would take longer to load than all else here.
  const launch = JSON.parse(readFileSync(LAUNCH_FD, 'utf8')) as Launch;
  closeSync(LAUNCH_FD);
  if (launch.group !== null) writeFileSync(join(launch.group, 'cgroup.procs'), '0');
  try {
    say(hold(launch.confinement));
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    // It could be held, and is not: it does not run.
    fail(launch.command, NOT_EXECUTABLE, error.message);
  }
  execute(launch);
}

/** @returns what holds from now on, in one line */
function hold({ landlock, systemCalls, notHeld }: Confinement): string {
  const files = landlock === null ? undefined : holdFiles(landlock);
  // Landlock has done it already where it is used.
  forbidNewPrivileges();
  filterSystemCalls(systemCalls);
  const held = [
    ...(landlock === null ? ['files and programs: held by the kernel guard'] : []),
    ...(files === undefined ? [] : [files]),
    'system calls: filtered',
  ];
  const missing = notHeld.length === 0 ? '' : `; ${count(notHeld.length)} not held: ${notHeld.join('; ')}`;
  return `${held.join('; ')}${missing}`;
}

function holdFiles({ handled, rules }: NonNullable<Confinement['landlock']>): string {
  let abi: number;
  try {
    abi = landlockAbi();
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    return `WARNING: files and programs are NOT held: ${error.message}`;
  }
  restrictByLandlock({ handled, rules, connectPorts: undefined });
  return `files and programs: held by Landlock (ABI ${abi})`;
}

function count(parts: number): string {
  return parts === 1 ? '1 part of the policy is' : `${parts} parts of the policy are`;
}

/** As execvp(3) does: names without a slash are looked for in PATH, files without a header are given to the shell. */
function execute({ command, args, env }: Launch): void {
  let refused: string | undefined;
  for (const path of candidates(command, env.PATH)) {
    if (!isProgram(path)) continue;
    const code = becomeProgram(path, [command, ...args], env);
    if (code === 'ENOEXEC') {
      becomeProgram('/bin/sh', ['/bin/sh', path, ...args], env);
    }
    refused = code;
  }
  if (refused === undefined) fail(command, NOT_FOUND, 'it was not found');
  const why = refused === 'EACCES' ? 'it may not be executed (by its mode, or by the policy)' : refused;
  fail(command, NOT_EXECUTABLE, why);
}

function candidates(command: string, searched = '/usr/local/bin:/usr/bin:/bin'): string[] {
  if (command.includes('/')) return [command];
  return searched.split(':').map((folder) => join(folder === '' ? '.' : folder, command));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.F_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function fail(command: string, code: number, why: string): never {
  say(`${command} cannot be started: ${why}`);
  // The event loop uses system calls that are refused from here on.
  leave(code);
}

/** Not through `process.stderr`: that changes how the stream behaves, and the command would inherit it. */
function say(line: string): void {
  writeSync(2, `raypher: ${line}\n`);
}
