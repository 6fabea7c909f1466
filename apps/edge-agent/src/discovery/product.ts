import { readProcFile } from './procfs.ts';
import { readStat } from './stat.ts';

/** The part of a process that lineage is decided by. */
export interface Lineage {
  pid: number;
  ppid: number;
  startTime: number;
}

/** The variable that the launcher sets for the parts it starts: ingestor, web, database, edge agent. */
export const COMPONENT_VARIABLE = 'RAYPHER_COMPONENT';

export interface ProductOptions {
  /** The edge agent itself. */
  selfPid?: number;
  /** More processes of the product on this machine, with all they start. */
  ownPids?: readonly number[];
}

/**
 * Tells Raypher's own processes from others: they are never taken for AI agents and never frozen or killed.
 *
 * The marker in the environment alone proves nothing, any AI agent can set it. It counts only for processes that
 * the launcher started: those that descend from the parent of the edge agent, when the edge agent carries the
 * marker itself.
 */
export class ProductProcesses {
  readonly #selfPid: number;
  readonly #ownPids: ReadonlySet<number>;
  readonly #launcher: number | undefined;
  /** By pid, with the start time that the answer belongs to. */
  readonly #marked = new Map<number, { startTime: number; marked: boolean }>();

  constructor(options: ProductOptions = {}) {
    this.#selfPid = options.selfPid ?? process.pid;
    this.#ownPids = new Set(options.ownPids ?? []);
    this.#launcher = findLauncher(this.#selfPid);
  }

  /** The edge agent, its ancestors, and all parts of the product among the given processes. */
  select(processes: ReadonlyMap<number, Lineage>): ReadonlySet<number> {
    const own = new Set<number>();
    for (const pid of this.#ancestors(processes)) own.add(pid);
    const decided = new Map<number, boolean>();
    for (const { pid } of processes.values()) {
      if (this.#isPart(pid, processes, decided)) own.add(pid);
    }
    for (const pid of this.#marked.keys()) if (!processes.has(pid)) this.#marked.delete(pid);
    return own;
  }

  #ancestors(processes: ReadonlyMap<number, Lineage>): Set<number> {
    const chain = new Set<number>();
    for (let pid = this.#selfPid; pid > 0 && !chain.has(pid); pid = processes.get(pid)?.ppid ?? 0)
      chain.add(pid);
    return chain;
  }

  /** A part of the product, or started by one. */
  #isPart(pid: number, processes: ReadonlyMap<number, Lineage>, decided: Map<number, boolean>): boolean {
    const known = decided.get(pid);
    if (known !== undefined) return known;
    // Also ends a circle, which a reused pid can leave in a list that was not read at one instant.
    decided.set(pid, false);
    const process = processes.get(pid);
    if (process === undefined) return false;
    const part =
      this.#ownPids.has(pid) ||
      (this.#descendsFromLauncher(process, processes) && this.#isMarked(process)) ||
      (process.ppid > 1 && this.#isPart(process.ppid, processes, decided));
    decided.set(pid, part);
    return part;
  }

  #descendsFromLauncher(process: Lineage, processes: ReadonlyMap<number, Lineage>): boolean {
    if (this.#launcher === undefined) return false;
    const seen = new Set<number>();
    for (let pid = process.ppid; pid > 1 && !seen.has(pid); pid = processes.get(pid)?.ppid ?? 0) {
      if (pid === this.#launcher) return true;
      seen.add(pid);
    }
    return false;
  }

  #isMarked({ pid, startTime }: Lineage): boolean {
    const known = this.#marked.get(pid);
    if (known?.startTime === startTime && known.marked) return true;
    const marked = carriesMarker(pid);
    this.#marked.set(pid, { startTime, marked });
    return marked;
  }
}

const SHELLS = new Set([
  'sh',
  'bash',
  'dash',
  'zsh',
  'fish',
  'ksh',
  'tcsh',
  'csh',
  'login',
  'sshd',
  'tmux: server',
]);

/** The process that started a marked edge agent; none when that was a shell, from which anything can be started. */
function findLauncher(selfPid: number): number | undefined {
  const parent = readStat(readStat(selfPid)?.ppid ?? 0);
  if (parent === undefined || parent.pid <= 1 || SHELLS.has(parent.name)) return undefined;
  return carriesMarker(selfPid) ? parent.pid : undefined;
}

function carriesMarker(pid: number): boolean {
  const name = Buffer.from(`${COMPONENT_VARIABLE}=`);
  const read = readProcFile(`/proc/${pid}/environ`, (bytes) => {
    const at = bytes.indexOf(name);
    if (at === 0) return true;
    return bytes.indexOf(Buffer.concat([Buffer.of(0), name])) >= 0;
  });
  return read.ok && read.value;
}
