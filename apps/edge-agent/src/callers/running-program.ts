import { type BigIntStats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutableHasher } from '../discovery/exe-hash.ts';
import { readProcFile, readProcLink, readProcText, walkProcDirectory } from '../discovery/procfs.ts';
import { readStat } from '../discovery/stat.ts';
import type { AllowedProgram } from '../store/allow-list.ts';
import { codeLoadingVariable, searchPath } from './environment.ts';
import { byName, scriptOf } from './interpreters.ts';
import { realDirectory, seesTheMachine, visibleFile } from './visible-file.ts';

export interface ProcessRef {
  pid: number;
  startTime: number;
}

/** The executable that a process runs now. */
export interface RunningExecutable {
  /** Where it was when it was started. */
  path: string;
  sha256: string;
  /** The same as long as the process executes nothing else: addresses, arguments and file. */
  image: string;
}

/** Linux, every platform this agent runs on: clock ticks per second that /proc counts in. */
const TICKS_PER_SECOND = 100;
/** The kernel's clocks here are exact to ten milliseconds each. */
const CLOCK_MARGIN_MS = 20;
const DELETED = / \(deleted\)$/;
/** Every request looks at each thread, and nothing else happens meanwhile. */
const MOST_THREADS = 1024;
const MAX_ENVIRONMENT_BYTES = 8 * 1024 * 1024;

/** @returns what changes with every execve(2); undefined when the process ended or may not be examined */
export function imageOf({ pid, startTime }: ProcessRef): string | undefined {
  const stat = readStat(pid);
  if (stat?.startTime !== startTime || stat.image === undefined) return undefined;
  const file = statSync(`/proc/${pid}/exe`, { bigint: true, throwIfNoEntry: false });
  return file === undefined ? undefined : `${stat.image}:${file.dev}:${file.ino}:${file.ctimeNs}`;
}

/** Where the executable was when it was started; undefined when the process ended or may not be examined. */
export function executablePath({ pid, startTime }: ProcessRef): string | undefined {
  const link = readProcLink(`/proc/${pid}/exe`);
  return link.ok && readStat(pid)?.startTime === startTime ? link.value.replace(DELETED, '') : undefined;
}

/** The bytes that run, even when their file was deleted or replaced. */
export async function runningExecutable(
  process: ProcessRef,
  hasher: ExecutableHasher,
): Promise<RunningExecutable | undefined> {
  const image = imageOf(process);
  const reach = `/proc/${process.pid}/exe`;
  const link = readProcLink(reach);
  if (image === undefined || !link.ok) return undefined;
  const sha256 = await hashOf(reach, hasher);
  if (sha256 === undefined || imageOf(process) !== image) return undefined;
  return { path: link.value.replace(DELETED, ''), sha256, image };
}

/**
 * Why a process that runs the executable of an entry still is not what was allowed, as a clause; undefined when
 * it is. The executable itself has been compared already.
 */
export async function deviation(
  { pid, startTime }: ProcessRef,
  entry: AllowedProgram,
  hasher: ExecutableHasher,
): Promise<string | undefined> {
  const status = readProcText(`/proc/${pid}/status`);
  if (!status.ok) return 'it cannot be examined';
  const tracer = tracerOf(pid);
  if (tracer === undefined) return 'its threads cannot be examined, or are too many';
  if (tracer !== '0') return `process ${tracer} traces it, and can make it do anything`;
  const users = /^Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$/m.exec(status.value)?.slice(1) ?? [];
  if (users.length !== 4 || new Set(users).size !== 1) return 'it changes between users';
  if (entry.uid !== undefined && users[0] !== String(entry.uid)) {
    return `it runs as user ${users[0]}, and was allowed for user ${entry.uid}`;
  }
  if (!seesTheMachine(pid)) return 'it runs in a container or in namespaces of its own';
  const interpreter = byName(entry.interpreter);
  const environment = readProcFile(
    `/proc/${pid}/environ`,
    (block) => ({
      loading: block.length >= MAX_ENVIRONMENT_BYTES ? 'too much' : codeLoadingVariable(block, interpreter),
      path: searchPath(block),
    }),
    MAX_ENVIRONMENT_BYTES,
  );
  if (!environment.ok) return 'its environment cannot be read';
  const { loading, path } = environment.value;
  if (loading !== undefined) return `its environment sets ${loading}, which can load other code`;
  if (entry.script === undefined) return undefined;
  if (interpreter === undefined) return 'its interpreter is not known to this version';

  const read = readProcText(`/proc/${pid}/cmdline`);
  const cwd = readProcLink(`/proc/${pid}/cwd`);
  if (!read.ok || !cwd.ok) return 'its arguments cannot be read';
  const argv = read.value.replace(/\0$/, '').split('\0');
  const started = scriptOf(interpreter, argv);
  if ('fault' in started) return started.fault;
  if (interpreter.dependsOnLaunchPath) {
    const launched = realDirectory(launchPath(argv[0] ?? '', path, cwd.value));
    const expected = [realDirectory(entry.launchPath), realDirectory(entry.path)];
    if (!expected.includes(launched)) {
      return `it was started as ${argv[0]}, and would take its libraries from there`;
    }
  }
  const file = visibleFile(pid, started.script, cwd.value);
  if (file?.path !== entry.script.path) return `it runs ${file?.path ?? started.script}`;
  const stats = statOf(file.reach);
  if (stats?.isFile() !== true) return 'its script is gone';
  if ((await hashOf(file.reach, hasher)) !== entry.script.sha256) {
    return `${file.path} is not what was allowed any more`;
  }
  const after = statOf(file.reach);
  if (after?.ctimeNs !== stats.ctimeNs) return 'its script changes at this moment';
  // The file is as it was allowed now; only when nothing touched it since the start is it what the process read.
  if (Number(stats.ctimeNs) / 1e6 > startedAtMs(startTime) - CLOCK_MARGIN_MS) {
    return `${file.path} was changed or moved after this process started; restart it`;
  }
  return undefined;
}

/**
 * Each thread can have one of its own.
 *
 * @returns "0": none has any; undefined when that cannot be told
 */
function tracerOf(pid: number): string | undefined {
  let found: string | undefined;
  let looked = 0;
  for (const thread of walkProcDirectory(`/proc/${pid}/task`)) {
    looked += 1;
    if (looked > MOST_THREADS) return undefined;
    const status = readProcText(`/proc/${pid}/task/${thread}/status`);
    // It ended meanwhile.
    if (!status.ok && status.failure === 'gone') continue;
    found = status.ok ? /^TracerPid:\s+(\d+)$/m.exec(status.value)?.[1] : undefined;
    if (found !== '0') return found;
  }
  return found;
}

/** Of a regular file; undefined when it cannot be read, or changes meanwhile. */
export async function hashOf(path: string, hasher: ExecutableHasher): Promise<string | undefined> {
  for (let tries = 0; tries < 3; tries += 1) {
    const stats = statOf(path);
    if (stats?.isFile() !== true) return undefined;
    const outcome = hasher.hash(path, stats);
    if (outcome.state === 'hashed') return outcome.sha256;
    if (outcome.state === 'failed') return undefined;
    await outcome.done;
  }
  return undefined;
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    // Gone or not to be looked at, which is the same to whoever asks.
    return undefined;
  }
}

/** As execvp(3) would find it, and Python finds itself. */
function launchPath(argv0: string, path: string, cwd: string): string {
  if (argv0.includes('/')) return join(argv0.startsWith('/') ? '/' : cwd, argv0);
  for (const directory of path.split(':')) {
    const candidate = join(directory === '' ? cwd : directory, argv0);
    if (statOf(candidate)?.isFile() === true) return candidate;
  }
  return argv0;
}

/**
 * Milliseconds since the epoch, by today's clock. Whoever can set the clock of the machine is root, and can
 * change the agent itself.
 */
function startedAtMs(startTime: number): number {
  // The clock first: held up in between, this process takes others for older than they are, and refuses them.
  const now = Date.now();
  const uptime = readProcText('/proc/uptime');
  if (!uptime.ok) return Number.NEGATIVE_INFINITY;
  return now - Number(uptime.value.split(' ', 1)[0]) * 1000 + (startTime * 1000) / TICKS_PER_SECOND;
}
