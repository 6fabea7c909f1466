import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';
import { errorCode, readProcLink } from '../discovery/procfs.ts';
import { readStat } from '../discovery/stat.ts';
import { readPackagedFile } from '../packaged-file.ts';

const Group = z.array(
  z.strictObject({ reason: z.string().min(1), names: z.array(z.string().min(1)).min(1) }),
);
/** `data/critical-processes.json`, by Node's names of platforms. */
const CriticalFile = z.strictObject({ version: z.literal(1), linux: Group, darwin: Group, win32: Group });

const ANCESTORS_KEPT_MS = 100;

export interface ProtectionOptions {
  /** The edge agent itself. */
  selfPid?: number;
  /** Another part of Raypher: see Inventory.isOwn. */
  isOwn?: (pid: number) => boolean;
  /** The editable list of critical programs. */
  file?: string | URL;
}

/** Decides which processes are never frozen or killed. */
export class Protection {
  readonly #selfPid: number;
  readonly #isOwn: (pid: number) => boolean;
  readonly #critical: ReadonlyMap<string, string>;
  readonly #ancestors = new Set<number>();
  #ancestorsAt = Number.NEGATIVE_INFINITY;

  constructor(options: ProtectionOptions = {}) {
    this.#selfPid = options.selfPid ?? process.pid;
    this.#isOwn = options.isOwn ?? (() => false);
    this.#critical = loadCritical(options.file, process.platform);
  }

  /**
   * Why a process must not be the target of a freeze or kill; undefined when it may.
   * This is the full list, for processes that were chosen by pid or by hash.
   */
  refusesTarget(pid: number): string | undefined {
    return this.refusesMember(pid) ?? this.#refusesProgram(pid);
  }

  /**
   * Why a process inside an AI agent's tree is left out. Program names do not count here: a system service that an
   * AI agent started for itself goes down with it.
   *
   * @param stat of the process, when the caller has just read it
   */
  refusesMember(pid: number, stat = readStat(pid)): string | undefined {
    if (pid === 1) return 'process 1 starts and supervises everything else on this machine';
    if (stat?.kernelThread === true) return `${stat.name} is a thread of the kernel`;
    if (pid === this.#selfPid) return 'it is the Raypher agent itself';
    if (this.#isAncestor(pid)) return 'the Raypher agent was started by it';
    if (this.#isOwn(pid)) return 'it is part of Raypher';
    return undefined;
  }

  /** @throws RaypherError `process/protected` */
  assertTarget(pid: number, action: 'freeze' | 'kill'): void {
    const reason = this.refusesTarget(pid);
    if (reason === undefined) return;
    throw new RaypherError('process/protected', `Process ${pid} is protected: ${reason}.`, {
      hint: `Choose the process of the AI agent itself; raypher will not ${action} this one.`,
      details: { pid, reason },
    });
  }

  #isAncestor(pid: number): boolean {
    // Asked for each of thousands of processes in a row; ancestors change only when one of them ends.
    if (performance.now() - this.#ancestorsAt > ANCESTORS_KEPT_MS) {
      this.#ancestors.clear();
      for (let current = this.#selfPid; current > 0 && !this.#ancestors.has(current); ) {
        this.#ancestors.add(current);
        current = readStat(current)?.ppid ?? 0;
      }
      this.#ancestorsAt = performance.now();
    }
    return this.#ancestors.has(pid);
  }

  /** A name protects only what belongs to root and nobody else can write, or any file could be given that name. */
  #refusesProgram(pid: number): string | undefined {
    const exe = readProcLink(`/proc/${pid}/exe`);
    if (!exe.ok) return undefined;
    const name = basename(exe.value.replace(/ \(deleted\)$/, ''));
    const reason = this.#critical.get(name);
    return reason !== undefined && isFromSystem(`/proc/${pid}/exe`) ? `${name} ${reason}` : undefined;
  }
}

function loadCritical(
  file: string | URL | undefined,
  platform: NodeJS.Platform,
): ReadonlyMap<string, string> {
  const source =
    file === undefined ? readPackagedFile('data/critical-processes.json') : readFileSync(file, 'utf8');
  const parsed = CriticalFile.safeParse(JSON.parse(source));
  if (!parsed.success) {
    throw new RaypherError(
      'config/invalid',
      `The list of critical processes is not valid: ${z.prettifyError(parsed.error)}`,
    );
  }
  if (platform !== 'linux' && platform !== 'darwin' && platform !== 'win32') return new Map();
  return new Map(parsed.data[platform].flatMap(({ reason, names }) => names.map((name) => [name, reason])));
}

function isFromSystem(path: string): boolean {
  try {
    const stats = statSync(path);
    return stats.uid === 0 && (stats.mode & 0o022) === 0;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}
