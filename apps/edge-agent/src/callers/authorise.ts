import { basename } from 'node:path';
import { ExecutableHasher } from '../discovery/exe-hash.ts';
import type { AuthoriseCaller, Caller, CallerStanding } from '../proxy/caller.ts';
import type { AllowedProgram } from '../store/allow-list.ts';
import { SocketHolders } from './holders.ts';
import { interpreterOf } from './interpreters.ts';
import { deviation, executablePath, imageOf, type ProcessRef, runningExecutable } from './running-program.ts';

export interface AuthoriseParts {
  /** Read at every request, so that a change of the list counts at once. */
  programs: () => readonly AllowedProgram[];
  holders?: SocketHolders;
  hasher?: ExecutableHasher;
}

/** More than this share one socket only to keep somebody busy. */
const MAX_HOLDERS = 32;

const UNKNOWN: CallerStanding = {
  allowed: false,
  code: 'caller/unknown',
  reason: 'The program at the other end of this connection cannot be found on this machine.',
  hint: 'Run `raypher doctor`; programs on other machines and in other containers cannot be allowed.',
};

/**
 * Decides whether the program behind a connection is on the allow list: its bytes, its script, its user, and
 * nothing around it that would make it run something else.
 *
 * Every request is judged anew; only hashes of files are remembered, by file and change time. So a process that
 * executes another program, or a list that changes, counts from the next request on.
 */
export function authoriseFrom({
  programs,
  holders = new SocketHolders(),
  hasher = new ExecutableHasher(),
}: AuthoriseParts): AuthoriseCaller {
  const judge = async (caller: Caller): Promise<CallerStanding> => {
    const { process, socket } = caller;
    if (process === undefined || socket === undefined) return UNKNOWN;
    let all = holders.recent(socket);
    if (all === undefined) {
      // Looking at everything is dear: only a program that is allowed by itself causes it.
      const own = await judgeProcess(process, programs, hasher);
      if (!own.allowed) return own;
      all = await holders.of(socket);
    }
    if (!all.some(({ pid, startTime }) => pid === process.pid && startTime === process.startTime)) {
      return UNKNOWN;
    }
    if (all.length > MAX_HOLDERS) return refusal('Too many processes share this connection.');
    const entries = new Set<string>();
    let standing: CallerStanding = UNKNOWN;
    for (const holder of all) {
      standing = await judgeProcess(holder, programs, hasher);
      if (!standing.allowed) {
        return all.length === 1 ? standing : shared(standing, all.length);
      }
      entries.add(standing.entry);
    }
    return entries.size === 1 ? standing : refusal('Several different programs share this connection.');
  };
  return (caller) =>
    judge(caller).catch(() => refusal('Whether this program is allowed could not be found out.'));
}

async function judgeProcess(
  process: ProcessRef,
  programs: () => readonly AllowedProgram[],
  hasher: ExecutableHasher,
): Promise<CallerStanding> {
  const path = executablePath(process);
  if (path === undefined) return UNKNOWN;
  // Before anything is read to the end: whoever is not on the list cannot keep the agent hashing large files.
  if (!programs().some((entry) => entry.path === path)) return notAllowed(process, path);
  const executable = await runningExecutable(process, hasher);
  if (executable === undefined) return UNKNOWN;
  const candidates = programs().filter(
    ({ path, sha256 }) => path === executable.path && sha256 === executable.sha256,
  );
  let closest: string | undefined;
  for (const entry of candidates) {
    const fault = await deviation(process, entry, hasher);
    if (fault !== undefined) {
      closest ??= fault;
      continue;
    }
    // Nothing may have happened while files were hashed: neither to the process nor to the list.
    if (imageOf(process) !== executable.image || !programs().includes(entry)) return UNKNOWN;
    return { allowed: true, entry: describeEntry(entry) };
  }
  const changed = candidates.length === 0 ? 'its content is not what was allowed' : undefined;
  return notAllowed(process, executable.path, changed ?? closest, closest);
}

/** @param closest what keeps it from being an entry that names its very bytes */
function notAllowed(
  { pid }: ProcessRef,
  path: string,
  why = 'it is not on the allow list',
  closest?: string,
): CallerStanding {
  return refusal(`${path} (process ${pid}) may not use this machine's keys: ${why}.`, hintFor(path, closest));
}

/** What was allowed, for the record. */
export function describeEntry({ path, sha256, script }: AllowedProgram): string {
  const what = script === undefined ? '' : ` ${script.path} sha256:${script.sha256.slice(0, 12)}`;
  return `${path} sha256:${sha256.slice(0, 12)}${what}`;
}

function hintFor(path: string, closest: string | undefined): string {
  if (closest !== undefined && !closest.startsWith('it runs')) {
    return 'Start it the way it was allowed. `raypher allow --list` shows what is allowed.';
  }
  const script = interpreterOf(basename(path)) === undefined ? '' : ' --script FILE';
  return `If you trust it: raypher allow ${quoted(path)}${script}`;
}

function shared(standing: Extract<CallerStanding, { allowed: false }>, number: number): CallerStanding {
  return { ...standing, reason: `${standing.reason} It shares this connection with ${number - 1} more.` };
}

function refusal(reason: string, hint = '`raypher allow --list` shows what is allowed.'): CallerStanding {
  return { allowed: false, code: 'caller/not-allowed', reason, hint };
}

/** For a shell, when it needs to be. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
