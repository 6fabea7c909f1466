import { type BigIntStats, statSync } from 'node:fs';
import { ExecutableHasher } from './exe-hash.ts';
import { type KernelUnits, readKernelUnits } from './kernel-units.ts';
import { errorCode, listPids, readProcFile, readProcLink, readProcText, requireLinux } from './procfs.ts';
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
  argv: readonly string[];
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
  /** Changes with every exec; see ProcessStat.image. */
  image: string;
}

/** What stays as it is until the process executes another program. */
interface Examined {
  image: string;
  argv: readonly string[];
  exePath: string;
  exeStats: BigIntStats | undefined;
  uid: number | undefined;
  cgroup: string;
  namespaces: ScannedProcess['namespaces'];
  reasons: readonly string[];
}

interface Remembered {
  stat: ProcessStat;
  examined: Examined;
  /** What `cpuShare` is counted from. */
  cpu: { ticks: number; atMs: number; share: number };
  described: ScannedProcess | undefined;
}

/** One of the `reasons`: the hash comes with a later look. */
export const STILL_HASHING = 'executable is still being hashed';

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
  #remembered = new Map<number, Remembered>();

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
   * @returns undefined when nothing is different: they came and went unseen, as most do
   */
  async rescan(pids: readonly number[], options: ScanOptions = {}): Promise<ScannedProcess[] | undefined> {
    const isDifferent = pids.some((pid) => this.#remembered.has(pid) || readStat(pid) !== undefined);
    return isDifferent ? this.#look(pids, this.#remembered, options) : undefined;
  }

  async #look(
    pids: Iterable<number>,
    before: ReadonlyMap<number, Remembered>,
    options: ScanOptions,
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
      const image = imageOf(stat);
      const examined = same?.examined.image === image ? same.examined : examine(stat, image);
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

/** Without permission to see addresses, an exec is noticed by the executable or, at least, the name. */
function imageOf(stat: ProcessStat): string {
  if (stat.image !== undefined) return stat.image;
  if (stat.kernelThread || hasEnded(stat)) return `${stat.name}/${hasEnded(stat)}`;
  const exe = readProcLink(`/proc/${stat.shownUnder}/exe`);
  return exe.ok ? exe.value : stat.name;
}

function examine(stat: ProcessStat, image: string): Examined {
  const { pid, shownUnder: shown } = stat;
  const reasons: string[] = [];
  const status = readProcText(`/proc/${pid}/status`);
  // Real, effective, saved, file system: what it may do is decided by the effective one.
  const uid = status.ok ? /^Uid:\s+\d+\s+(\d+)/m.exec(status.value)?.[1] : undefined;
  const base = { image, uid: uid === undefined ? undefined : Number(uid), cgroup: readCgroup(pid, shown) };
  if (stat.kernelThread) {
    return { ...base, argv: [], exePath: '', exeStats: undefined, namespaces: undefined, reasons };
  }
  if (hasEnded(stat)) reasons.push('ended, waiting to be collected by its parent');
  const argv = readProcFile(`/proc/${shown}/cmdline`, (bytes) => splitArguments(bytes.toString('utf8')));
  if (!argv.ok) reasons.push(`arguments: ${argv.failure}`);
  const exe = readProcLink(`/proc/${shown}/exe`);
  if (!exe.ok && !hasEnded(stat)) reasons.push(`executable: ${exe.failure}`);
  return {
    ...base,
    argv: argv.ok ? argv.value : [],
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
