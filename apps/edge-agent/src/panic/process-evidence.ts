import { maskArguments, maskText } from '../discovery/mask.ts';
import { listProcDirectory, readProcFile, readProcLink } from '../discovery/procfs.ts';
import { readCgroup } from '../discovery/scan.ts';
import { readStat } from '../discovery/stat.ts';
import type { ProcessRef } from '../response/tree.ts';

export interface OpenFile {
  fd: number;
  /** Path, "pipe:[…]", "socket:[inode]" …; what looks like a credential is masked. */
  target: string;
}

/** What is written down of one process. Nothing of it is a secret as far as masking can tell. */
export interface ProcessEvidence {
  pid: number;
  ppid: number;
  /** Clock ticks since boot; with the pid it names one process. */
  startTime: number;
  startedAt: string;
  name: string;
  state: string;
  uid: number | null;
  user: string;
  commandLine: string;
  exePath: string;
  /** Null where it has not been hashed. */
  exeSha256: string | null;
  workingDirectory: string;
  cgroup: string;
  /** Names of environment variables, never values. */
  environment: string[];
  files: OpenFile[];
  /** Descriptors beyond {@link MAX_FILES}. */
  filesLeftOut: number;
}

/** What was known of a process before: reading it again would take longer than there is. */
export type KnownProcess = Pick<ProcessEvidence, 'user'> & { exeSha256: string | undefined };

const MAX_FILES = 1024;
const MAX_NAMES = 512;
const MAX_ENVIRONMENT_BYTES = 1024 * 1024;
/** Whatever else stands before an equals sign could be a value of something. */
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/**
 * Reads everything about a process that stands still.
 *
 * @param toDate of clock ticks since boot
 * @returns undefined when it is gone
 */
export function readEvidence(
  { pid, startTime }: ProcessRef,
  known: KnownProcess | undefined,
  toDate: (ticks: number) => Date,
): ProcessEvidence | undefined {
  const stat = readStat(pid);
  if (stat === undefined || stat.startTime !== startTime) return undefined;
  const { shownUnder } = stat;
  const command = readProcFile(`/proc/${shownUnder}/cmdline`, (bytes) => bytes.toString('utf8').split('\0'));
  const status = readProcFile(
    `/proc/${pid}/status`,
    (bytes) => /^Uid:\s+\d+\s+(\d+)/m.exec(bytes.toString('utf8'))?.[1],
  );
  const link = (name: string): string => {
    const read = readProcLink(`/proc/${shownUnder}/${name}`);
    return read.ok ? maskText(read.value) : '';
  };
  const uid = status.ok && status.value !== undefined ? Number(status.value) : null;
  return {
    pid,
    ppid: stat.ppid,
    startTime,
    startedAt: toDate(startTime).toISOString(),
    name: maskText(stat.name),
    state: stat.state,
    uid,
    user: known?.user ?? (uid === null ? 'unknown' : `uid ${uid}`),
    commandLine: command.ok ? maskArguments(command.value.filter((word) => word !== '')) : '',
    exePath: link('exe'),
    exeSha256: known?.exeSha256 ?? null,
    workingDirectory: link('cwd'),
    cgroup: readCgroup(pid, shownUnder),
    environment: environmentNames(shownUnder),
    ...openFiles(shownUnder),
  };
}

function environmentNames(pid: number): string[] {
  const read = readProcFile(`/proc/${pid}/environ`, namesIn, MAX_ENVIRONMENT_BYTES);
  return read.ok ? read.value : [];
}

/** Only what stands before the equals sign ever becomes a string. */
function namesIn(block: Buffer): string[] {
  const names = new Set<string>();
  for (let start = 0; start < block.length && names.size < MAX_NAMES; ) {
    const zero = block.indexOf(0, start);
    const end = zero < 0 ? block.length : zero;
    const equals = block.indexOf(0x3d, start);
    if (equals > start && equals < end && equals - start <= 128) {
      const name = block.toString('latin1', start, equals);
      if (VARIABLE.test(name)) names.add(maskText(name));
    }
    start = end + 1;
  }
  return [...names].sort();
}

function openFiles(pid: number): { files: OpenFile[]; filesLeftOut: number } {
  const listed = listProcDirectory(`/proc/${pid}/fd`);
  if (!listed.ok) return { files: [], filesLeftOut: 0 };
  const files = listed.value.slice(0, MAX_FILES).flatMap((fd) => {
    const target = readProcLink(`/proc/${pid}/fd/${fd}`);
    return target.ok ? { fd: Number(fd), target: maskText(target.value) } : [];
  });
  return { files, filesLeftOut: Math.max(0, listed.value.length - MAX_FILES) };
}
