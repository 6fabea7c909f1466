import { listPids, readProcFile, walkProcDirectory } from './procfs.ts';

/** What the kernel says about a process in one read of /proc/PID/stat (proc_pid_stat(5)). */
export interface ProcessStat {
  pid: number;
  /** At most 15 bytes; the process can change it. */
  name: string;
  /** R, S, D, T (stopped), t (traced), Z (ended, not yet collected), I … */
  state: string;
  /** Threads that have not ended, and the first one. */
  threads: number;
  /**
   * Under this number /proc shows what the process is made of: its pid, or, once its first thread has ended while
   * others run, one of those. Of such a process /proc/PID shows neither program nor memory, files or arguments.
   */
  shownUnder: number;
  ppid: number;
  pgid: number;
  session: number;
  kernelThread: boolean;
  /** User and system time, clock ticks. */
  cpuTicks: number;
  /** Clock ticks since boot. With the pid it names one process. */
  startTime: number;
  /** Bytes of address space. */
  virtualBytes: number;
  /** Pages. */
  residentPages: number;
  /**
   * Where code, stack and arguments lie. Address randomisation makes it differ after every exec, so the same
   * value means the same program with the same arguments, unless the process has it switched off (personality(2)).
   * Undefined when this user may not see addresses.
   */
  image: string | undefined;
}

const PF_KTHREAD = 0x00200000;

/**
 * Parses /proc/PID/stat. The name is whatever the process chose, spaces and parentheses included, so fields
 * are counted from the last `)`.
 *
 * @returns undefined when the text is not such a line.
 */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 1 || close < open) return undefined;
  const pid = Number(text.slice(0, open - 1));
  const fields = text.slice(close + 2).split(' ');
  // fields[0] is field 3 of the manual page.
  const field = (number: number): string => fields[number - 3] ?? '0';
  const integer = (number: number): number => Number(field(number));
  if (!Number.isInteger(pid) || fields.length < 20) return undefined;
  return {
    pid,
    name: text.slice(open + 1, close),
    state: field(3),
    threads: integer(20),
    shownUnder: pid,
    ppid: integer(4),
    pgid: integer(5),
    session: integer(6),
    kernelThread: (integer(9) & PF_KTHREAD) !== 0,
    cpuTicks: integer(14) + integer(15),
    startTime: integer(22),
    virtualBytes: integer(23),
    residentPages: integer(24),
    // startcode, startstack, arg_start, env_start; zero without permission to trace the process.
    image: field(28) === '0' ? undefined : `${field(26)}.${field(28)}.${field(48)}.${field(50)}`,
  };
}

/** @returns undefined when the process is gone. */
export function readStat(pid: number): ProcessStat | undefined {
  const stat = readStatOf(`/proc/${pid}`);
  if (stat?.state !== 'Z' || stat.threads <= 1) return stat;
  const { name, startTime, cpuTicks, threads } = stat;
  // It may have tens of thousands: the first that runs will do.
  for (const thread of readThreads(pid)) {
    if (thread.pid === pid || hasEnded(thread)) continue;
    return { ...thread, pid, shownUnder: thread.pid, name, startTime, cpuTicks, threads };
  }
  return stat;
}

/**
 * One for each thread of a process, its `pid` being the thread's id; none when the process is gone. Each is read when it
 * is asked for.
 */
export function* readThreads(pid: number): Generator<ProcessStat> {
  for (const thread of walkProcDirectory(`/proc/${pid}/task`)) {
    const stat = readStatOf(`/proc/${pid}/task/${thread}`);
    if (stat !== undefined) yield thread === String(pid) ? stat : { ...stat, threads: 1 };
  }
}

function readStatOf(folder: string): ProcessStat | undefined {
  const read = readProcFile(`${folder}/stat`, (bytes) => parseStat(bytes.toString('utf8')), undefined, true);
  return read.ok ? read.value : undefined;
}

/** All processes at about this moment, by pid. */
export function readAllStats(): Map<number, ProcessStat> {
  const stats = new Map<number, ProcessStat>();
  for (const pid of listPids()) {
    const stat = readStat(pid);
    if (stat !== undefined) stats.set(pid, stat);
  }
  return stats;
}

/**
 * The same a moment later: what is new is read, and of what was there only `again`. Others keep what was read of them;
 * a pid does not come round in so short a time.
 */
export function readStatsSince(
  before: ReadonlyMap<number, ProcessStat>,
  again: ReadonlySet<number>,
): Map<number, ProcessStat> {
  const stats = new Map<number, ProcessStat>();
  for (const pid of listPids()) {
    const stat = again.has(pid) ? readStat(pid) : (before.get(pid) ?? readStat(pid));
    if (stat !== undefined) stats.set(pid, stat);
  }
  return stats;
}

/** A process is there, and it is the one that was meant: pids are reused, pid and start time together are not. */
export function isAlive(process: { pid: number; startTime: number }): boolean {
  const stat = readStat(process.pid);
  return stat !== undefined && stat.startTime === process.startTime && !hasEnded(stat);
}

/** With all its threads, and not yet collected by its parent: it runs no code and holds no memory. */
export function hasEnded(stat: ProcessStat): boolean {
  return (stat.state === 'Z' || stat.state === 'X') && stat.threads <= 1;
}

/** See `ProcessStat.shownUnder`; the pid itself when the process is gone. */
export function shownUnder(pid: number): number {
  return readStat(pid)?.shownUnder ?? pid;
}

/** One process as a map key. */
export function processKey(process: { pid: number; startTime: number }): string {
  return `${process.pid}:${process.startTime}`;
}
