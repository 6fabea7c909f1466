import { createHash } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import { ExecutableHasher } from './exe-hash.ts';
import { type KernelUnits, readKernelUnits } from './kernel-units.ts';
import {
  errorCode,
  listPids,
  type ProcRead,
  readProcFile,
  readProcLink,
  readProcText,
  requireLinux,
} from './procfs.ts';
import { hasEnded, type ProcessStat, readStat, shownUnder } from './stat.ts';
import { UserNames } from './users.ts';

/** How much of a process could be examined. `low`: not even its executable. */
export type Confidence = 'full' | 'partial' | 'low';

export interface ScannedProcess {
  pid: number;
  ppid: number;
  pgid: number;
  session: number;
  /** Clock ticks since boot. With the pid it names one process. */
  startTime: number;
  /** Where /proc shows what it is made of; see ProcessStat. */
  shownUnder: number;
  /** One letter, see proc(5): R, S, D, T, Z … */
  state: string;
  name: string;
  /** The beginning; see `argvIsCut`. */
  argv: readonly string[];
  /** There are more arguments than are kept of a process. */
  argvIsCut: boolean;
  /** Empty for kernel threads and when it may not be read; " (deleted)" is removed. */
  exePath: string;
  exeSha256: string | undefined;
  /** Root owns the executable and nobody else can write it. */
  exeFromSystem: boolean;
  uid: number | undefined;
  user: string;
  rssBytes: number;
  /** Bytes of address space; it changes when a library is loaded. */
  virtualBytes: number;
  /** Share of one core since a look at least 0.1 s ago; above 1 with several threads. */
  cpuShare: number;
  /** Path in the unified hierarchy when the program was started; empty when unknown. */
  cgroup: string;
  /** Inode numbers; undefined when this user may not look. */
  namespaces: { pid: string; mnt: string; net: string } | undefined;
  kernelThread: boolean;
  confidence: Confidence;
  /** What could not be examined, and why. */
  reasons: readonly string[];
  /** Changes with every exec that can be told from none. */
  image: string;
}

/** What stays as it is until the process executes another program. */
interface Examined {
  image: string;
  /** What a later look compares. */
  sign: string;
  /** Its addresses are the same after every exec, or nobody may know: see `signOf`. */
  isPredictable: boolean;
  argv: readonly string[];
  argvIsCut: boolean;
  exePath: string;
  exeStats: BigIntStats | undefined;
  uid: number | undefined;
  cgroup: string;
  namespaces: ScannedProcess['namespaces'];
  reasons: readonly string[];
}

interface Arguments {
  argv: readonly string[];
  /** There are more. */
  isCut: boolean;
}

interface Remembered {
  stat: ProcessStat;
  examined: Examined;
  /** What `cpuShare` is counted from. */
  cpu: { ticks: number; atMs: number; share: number };
  described: ScannedProcess | undefined;
}

const NOBODY: ReadonlySet<number> = new Set();

/** One of the `reasons`: the hash comes with a later look. */
export const STILL_HASHING = 'executable is still being hashed';

/**
 * Of the arguments of a process, kept as long as it is there: the kernel accepts megabytes of them, and children share
 * them, so that whoever starts very many would fill the memory.
 */
const KEPT_ARGUMENT_BYTES = 32 * 1024;
const KEPT_ARGUMENTS = 1024;

/** Bit of /proc/PID/personality: its addresses are not random (personality(2)), as every program may ask for. */
const ADDR_NO_RANDOMIZE = 0x0040000;

/** Shares of shorter times would be mere steps of the kernel's clock, which is of 10 ms. */
const SHORTEST_SHARE_MS = 100;

export interface ScanOptions {
  /**
   * How long to wait for executables never seen before, milliseconds. Those not hashed in time come without
   * hash and have it in a later scan. Default: until all are hashed.
   */
  hashBudgetMs?: number;
}

/** Lists the processes again and again, examining only what changed since the last time. */
export class ProcessScanner {
  readonly #hasher: ExecutableHasher;
  readonly #users = new UserNames();
  readonly #units: KernelUnits;
  /** Root can have the kernel randomise nobody's addresses. */
  readonly #isRandomised = isRandomised();
  #remembered = new Map<number, Remembered>();
  #executions = 0;

  constructor(hasher = new ExecutableHasher()) {
    requireLinux();
    this.#hasher = hasher;
    this.#units = readKernelUnits();
  }

  /** Every process, in order of pid. One that cannot be examined is listed with what is known of it. */
  async scan(options: ScanOptions = {}): Promise<ScannedProcess[]> {
    const remembered = this.#remembered;
    this.#remembered = new Map();
    return this.#look(listPids(), remembered, options);
  }

  /**
   * Every process as it was found last, but these as they are now: what was started, executed a program or ended
   * since.
   *
   * @param executed those of them that are known to have executed a program
   * @returns undefined when nothing is different: they came and went unseen, as most do
   */
  async rescan(
    pids: readonly number[],
    options: ScanOptions = {},
    executed: ReadonlySet<number> = NOBODY,
  ): Promise<ScannedProcess[] | undefined> {
    const isDifferent = pids.some((pid) => this.#remembered.has(pid) || readStat(pid) !== undefined);
    return isDifferent ? this.#look(pids, this.#remembered, options, executed) : undefined;
  }

  async #look(
    pids: Iterable<number>,
    before: ReadonlyMap<number, Remembered>,
    options: ScanOptions,
    executed: ReadonlySet<number> = NOBODY,
  ): Promise<ScannedProcess[]> {
    this.#users.refresh();
    const looked: Remembered[] = [];
    for (const pid of pids) {
      const stat = readStat(pid);
      if (stat === undefined) {
        this.#remembered.delete(pid);
        continue;
      }
      const known = before.get(pid);
      const same = known?.stat.startTime === stat.startTime ? known : undefined;
      const examined = this.#examined(stat, same?.examined, executed.has(pid));
      const entry = { stat, examined, cpu: this.#cpu(stat, same?.cpu), described: undefined };
      this.#remembered.set(pid, entry);
      looked.push(entry);
    }
    await this.#hashNew(
      looked.map(({ stat, examined }) => [stat.shownUnder, examined]),
      options.hashBudgetMs,
    );
    for (const entry of looked) entry.described = this.#describe(entry);
    return [...this.#remembered.values()]
      .flatMap(({ described }) => (described === undefined ? [] : [described]))
      .sort((a, b) => a.pid - b.pid);
  }

  #examined(stat: ProcessStat, before: Examined | undefined, hasExecuted: boolean): Examined {
    const isSame = before?.sign === signOf(stat, before?.isPredictable === true);
    if (before !== undefined && isSame && !hasExecuted) return before;
    const isPredictable = this.#isPredictable(stat);
    const sign = signOf(stat, isPredictable);
    const image = before?.sign === sign ? `${sign}/${++this.#executions}` : sign;
    return examine(stat, { sign, isPredictable, image });
  }

  #isPredictable({ kernelThread, shownUnder, image }: ProcessStat): boolean {
    if (kernelThread || image === undefined) return false;
    if (!this.#isRandomised) return true;
    const read = readProcText(`/proc/${shownUnder}/personality`);
    return !read.ok || (Number.parseInt(read.value, 16) & ADDR_NO_RANDOMIZE) !== 0;
  }

  #cpu(stat: ProcessStat, before: Remembered['cpu'] | undefined): Remembered['cpu'] {
    const atMs = performance.now();
    if (before === undefined) return { ticks: stat.cpuTicks, atMs, share: 0 };
    const seconds = (atMs - before.atMs) / 1000;
    if (seconds < SHORTEST_SHARE_MS / 1000) return before;
    const share = Math.max(0, (stat.cpuTicks - before.ticks) / this.#units.ticksPerSecond / seconds);
    return { ticks: stat.cpuTicks, atMs, share };
  }

  async #hashNew(all: [number, Examined][], budgetMs: number | undefined): Promise<void> {
    const pending: Promise<void>[] = [];
    for (const [shown, { exeStats }] of all) {
      if (exeStats === undefined) continue;
      const outcome = this.#hasher.hash(`/proc/${shown}/exe`, exeStats);
      if (outcome.state === 'pending') pending.push(outcome.done);
    }
    if (pending.length === 0) return;
    const hashed = Promise.all(pending);
    if (budgetMs === undefined) {
      await hashed;
      return;
    }
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, budgetMs);
    try {
      await Promise.race([hashed, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #describe({ stat, examined, cpu }: Remembered): ScannedProcess {
    const { exeStats } = examined;
    const reasons = [...examined.reasons];
    let exeSha256: string | undefined;
    if (exeStats !== undefined) {
      const outcome = this.#hasher.hash(`/proc/${stat.shownUnder}/exe`, exeStats);
      if (outcome.state === 'hashed') exeSha256 = outcome.sha256;
      else reasons.push(outcome.state === 'failed' ? outcome.reason : STILL_HASHING);
    }
    return {
      pid: stat.pid,
      ppid: stat.ppid,
      pgid: stat.pgid,
      session: stat.session,
      startTime: stat.startTime,
      shownUnder: stat.shownUnder,
      state: stat.state,
      name: stat.name,
      argv: examined.argv,
      argvIsCut: examined.argvIsCut,
      exePath: examined.exePath,
      exeSha256,
      exeFromSystem: isFromSystem(exeStats),
      uid: examined.uid,
      user: examined.uid === undefined ? 'unknown' : this.#users.nameOf(examined.uid),
      rssBytes: stat.residentPages * this.#units.pageBytes,
      virtualBytes: stat.virtualBytes,
      cpuShare: cpu.share,
      cgroup: examined.cgroup,
      namespaces: examined.namespaces,
      kernelThread: stat.kernelThread,
      confidence: confidenceOf(stat, examined, reasons),
      reasons,
      image: examined.image,
    };
  }
}

/** One scan with a fresh scanner; CPU shares are 0 because there is nothing to compare with. */
export function scanProcesses(options: ScanOptions = {}): Promise<ScannedProcess[]> {
  return new ProcessScanner().scan(options);
}

/**
 * Path of a process in the unified control-group hierarchy.
 *
 * @param shown where /proc shows it, when that is known: a first thread that ended stays where it was, wherever the
 *   others are moved to
 * @returns the empty string when it is gone or not in that hierarchy
 */
export function readCgroup(pid: number, shown = shownUnder(pid)): string {
  const read = readProcFile(`/proc/${shown}/cgroup`, (bytes) => bytes.toString('utf8'), undefined, true);
  if (!read.ok) return '';
  return /^0::(.*)$/m.exec(read.value)?.[1] ?? '';
}

function isRandomised(): boolean {
  const read = readProcText('/proc/sys/kernel/randomize_va_space');
  return read.ok && read.value.trim() !== '0';
}

/**
 * Without permission to see addresses, an exec is noticed by the executable or, at least, the name. Addresses that
 * are not random are the same for two programs, so executable and arguments are compared as well.
 */
function signOf(stat: ProcessStat, isPredictable: boolean): string {
  if (stat.image !== undefined) return isPredictable ? `${stat.image} ${contentOf(stat)}` : stat.image;
  if (stat.kernelThread || hasEnded(stat)) return `${stat.name}/${hasEnded(stat)}`;
  const exe = readProcLink(`/proc/${stat.shownUnder}/exe`);
  return exe.ok ? exe.value : stat.name;
}

function contentOf({ shownUnder }: ProcessStat): string {
  const exe = statOf(`/proc/${shownUnder}/exe`, []);
  const words = readProcFile(
    `/proc/${shownUnder}/cmdline`,
    (bytes) => createHash('sha256').update(bytes).digest('base64'),
    KEPT_ARGUMENT_BYTES,
  );
  return `${exe?.dev}:${exe?.ino}:${exe?.ctimeNs} ${words.ok ? words.value : words.failure}`;
}

function examine(stat: ProcessStat, as: Pick<Examined, 'image' | 'sign' | 'isPredictable'>): Examined {
  const { pid, shownUnder: shown } = stat;
  const reasons: string[] = [];
  const status = readProcText(`/proc/${pid}/status`);
  // Real, effective, saved, file system: what it may do is decided by the effective one.
  const uid = status.ok ? /^Uid:\s+\d+\s+(\d+)/m.exec(status.value)?.[1] : undefined;
  const base = { ...as, uid: uid === undefined ? undefined : Number(uid), cgroup: readCgroup(pid, shown) };
  if (stat.kernelThread) {
    return {
      ...base,
      argv: [],
      argvIsCut: false,
      exePath: '',
      exeStats: undefined,
      namespaces: undefined,
      reasons,
    };
  }
  if (hasEnded(stat)) reasons.push('ended, waiting to be collected by its parent');
  const read = readArguments(shown, KEPT_ARGUMENT_BYTES);
  if (!read.ok) reasons.push(`arguments: ${read.failure}`);
  const { argv, isCut } = read.ok ? keptOf(read.value) : { argv: [], isCut: false };
  if (isCut) reasons.push('arguments: only the first ones are kept');
  const exe = readProcLink(`/proc/${shown}/exe`);
  if (!exe.ok && !hasEnded(stat)) reasons.push(`executable: ${exe.failure}`);
  return {
    ...base,
    argv,
    argvIsCut: isCut,
    exePath: exe.ok ? exe.value.replace(/ \(deleted\)$/, '') : '',
    exeStats: exe.ok ? statOf(`/proc/${shown}/exe`, reasons) : undefined,
    namespaces: readNamespaces(shown),
    reasons,
  };
}

function readNamespaces(pid: number): ScannedProcess['namespaces'] {
  const [pidNamespace, mnt, net] = ['pid', 'mnt', 'net'].map((name) =>
    readProcLink(`/proc/${pid}/ns/${name}`),
  );
  if (!pidNamespace?.ok || !mnt?.ok || !net?.ok) return undefined;
  return { pid: pidNamespace.value, mnt: mnt.value, net: net.value };
}

function statOf(path: string, reasons: string[]): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    reasons.push(`executable: ${code}`);
    return undefined;
  }
}

/** @param limit bytes; what lies beyond is not read */
export function readArguments(shown: number, limit: number): ProcRead<Arguments> {
  return readProcFile(
    `/proc/${shown}/cmdline`,
    (bytes) => ({ argv: splitArguments(bytes.toString('utf8')), isCut: bytes.length >= limit }),
    limit,
  );
}

function keptOf({ argv, isCut }: Arguments): Arguments {
  return argv.length > KEPT_ARGUMENTS
    ? { argv: argv.slice(0, KEPT_ARGUMENTS), isCut: true }
    : { argv, isCut };
}

function splitArguments(text: string): string[] {
  if (text === '') return [];
  const parts = text.split('\0');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

function isFromSystem(stats: BigIntStats | undefined): boolean {
  return stats !== undefined && stats.uid === 0n && (stats.mode & 0o022n) === 0n;
}

function confidenceOf(stat: ProcessStat, examined: Examined, reasons: readonly string[]): Confidence {
  if (stat.kernelThread) return 'full';
  if (examined.exePath === '' || examined.uid === undefined) return 'low';
  return reasons.length === 0 ? 'full' : 'partial';
}
