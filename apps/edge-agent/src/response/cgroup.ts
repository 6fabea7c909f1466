import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RaypherError } from '@raypher/shared';
import { errorCode, readProcText } from '../discovery/procfs.ts';
import { readCgroup } from '../discovery/scan.ts';

/** Where the unified control-group hierarchy (cgroup v2) is mounted. */
export interface CgroupMount {
  /** "/sys/fs/cgroup", or "/sys/fs/cgroup/unified" beside version 1. */
  path: string;
  /** Which part of the hierarchy is mounted there; "/" outside containers. */
  root: string;
}

export type CgroupAvailability = { available: true; cgroups: Cgroups } | { available: false; reason: string };

/** @param mountinfo text of /proc/self/mountinfo (proc_pid_mountinfo(5)) */
export function findCgroupMount(mountinfo: string): CgroupMount | undefined {
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    if (after.split(' ')[0] !== 'cgroup2') continue;
    const [, , , root, path] = before.split(' ');
    if (root !== undefined && path !== undefined) return { root: decodeOctal(root), path: decodeOctal(path) };
  }
  return undefined;
}

/**
 * Finds out by doing whether processes can be suspended through control groups here: mounted, writable and with
 * a freezer.
 *
 * @param folder name of the product's part of the hierarchy
 */
export function probeCgroups(folder = 'raypher'): CgroupAvailability {
  if (process.platform !== 'linux')
    return { available: false, reason: `${process.platform} has no control groups` };
  const mountinfo = readProcText('/proc/self/mountinfo');
  const mount = mountinfo.ok ? findCgroupMount(mountinfo.value) : undefined;
  if (mount === undefined)
    return { available: false, reason: 'the unified hierarchy (cgroup v2) is not mounted' };
  const cgroups = new Cgroups(mount, folder);
  try {
    const probe = cgroups.create(`probe-${process.pid}`);
    try {
      probe.setFrozen(true);
      probe.setFrozen(false);
    } finally {
      probe.remove();
    }
    return { available: true, cgroups };
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    const why = code === 'ENOENT' ? 'the kernel has no freezer for it' : `it cannot be written (${code})`;
    return { available: false, reason: `${mount.path} is mounted, but ${why}` };
  }
}

/** The product's part of the hierarchy: `raypher/run-<id>` for commands it starts, `raypher/held-<id>` for frozen trees. */
export class Cgroups {
  readonly #mount: CgroupMount;
  readonly #folder: string;

  constructor(mount: CgroupMount, folder: string) {
    this.#mount = mount;
    this.#folder = folder;
  }

  /** Of the product, in the file system. */
  get folder(): string {
    return join(this.#mount.path, this.#folder);
  }

  create(name: string): Cgroup {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    return new Cgroup(name, path);
  }

  /** One that an earlier run created; undefined when it does not exist. */
  open(name: string): Cgroup | undefined {
    const path = join(this.folder, name);
    return existsSync(path) ? new Cgroup(name, path) : undefined;
  }

  list(): string[] {
    if (!existsSync(this.folder)) return [];
    return readdirSync(this.folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  }

  /**
   * Moves a process to the control group with this path, or to the nearest ancestor of it that still exists and
   * takes processes.
   *
   * @param path as /proc/PID/cgroup showed it
   * @returns where it is now; undefined when it has ended
   */
  moveTo(path: string, pid: number): string | undefined {
    const below = this.#mount.root === '/' ? path : path.slice(this.#mount.root.length);
    for (let current = below; ; current = dirname(current)) {
      try {
        writeFileSync(join(this.#mount.path, current, 'cgroup.procs'), String(pid));
        return join(this.#mount.root, current);
      } catch (error) {
        const code = errorCode(error);
        if (code === 'ESRCH') return undefined;
        if (code === undefined || current === '/' || current === '.') throw error;
      }
    }
  }

  /** One of the product's own, as /proc/PID/cgroup shows it. */
  pathOf(name: string): string {
    return join(this.#mount.root, this.#folder, name);
  }

  /** Name of the product's own group that has this path; undefined for groups of others. */
  nameOf(path: string): string | undefined {
    const folder = `${this.pathOf('')}/`.replace('//', '/');
    return path.startsWith(folder) ? path.slice(folder.length) : undefined;
  }

  /** Where the hierarchy is mounted. */
  get root(): string {
    return this.#mount.path;
  }

  /** A group that `reaches` says is here, in the file system. */
  locate(path: string): string {
    return join(this.#mount.path, this.#mount.root === '/' ? path : path.slice(this.#mount.root.length));
  }

  /** Whether the path is inside the mounted part; only such a group can be returned to. */
  reaches(path: string): boolean {
    if (path === '' || path.includes('/..')) return false;
    return this.#mount.root === '/' || path.startsWith(this.#mount.root);
  }

  /** Removes the folder itself, once it is empty. */
  removeFolder(): void {
    if (existsSync(this.folder)) rmdirSync(this.folder);
  }
}

/** One control group. */
export class Cgroup {
  readonly name: string;
  readonly #path: string;

  constructor(name: string, path: string) {
    this.name = name;
    this.#path = path;
  }

  /** Directory, for a child process that moves itself in before it executes a command. */
  get path(): string {
    return this.#path;
  }

  /** Nobody removed it. */
  exists(): boolean {
    return existsSync(this.#path);
  }

  /** @returns false when the process ended meanwhile */
  add(pid: number): boolean {
    using door = this.open();
    return door.add(pid);
  }

  /** For many processes, one after the other. */
  open(): CgroupDoor {
    return new CgroupDoor(join(this.#path, 'cgroup.procs'));
  }

  /** Whether this is the group a process is in now. */
  holds(pid: number): boolean {
    return readCgroup(pid).endsWith(`/${this.name}`);
  }

  /**
   * What the kernel lists, and of these processes those it does not: one whose first thread had ended before it came
   * in is in here by its other threads alone.
   */
  occupants(candidates: Iterable<{ readonly pid: number }>): Set<number> {
    const listed = new Set(this.pids());
    for (const { pid } of candidates) if (!listed.has(pid) && this.holds(pid)) listed.add(pid);
    return listed;
  }

  isEmpty(): boolean {
    return readFileSync(join(this.#path, 'cgroup.events'), 'utf8').includes('populated 0');
  }

  pids(): number[] {
    return readFileSync(join(this.#path, 'cgroup.procs'), 'utf8')
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [Number(line)]));
  }

  /** Processes that enter a frozen group freeze as they enter, before they run another instruction of their own. */
  setFrozen(frozen: boolean): void {
    writeFileSync(join(this.#path, 'cgroup.freeze'), frozen ? '1' : '0');
  }

  /** Set to freeze, whether or not all have stopped yet. */
  isSetFrozen(): boolean {
    return readFileSync(join(this.#path, 'cgroup.freeze'), 'utf8').trim() === '1';
  }

  /** Waits until no process in it runs. @returns false after `timeoutMs` */
  waitFrozen(timeoutMs: number): Promise<boolean> {
    return this.#waitFor('frozen 1', timeoutMs);
  }

  /** Waits until no process is left in it. @returns false after `timeoutMs` */
  waitEmpty(timeoutMs: number): Promise<boolean> {
    return this.#waitFor('populated 0', timeoutMs);
  }

  /** SIGKILL to all in it at once, those being forked included (cgroup.kill, Linux 5.14). @returns false on older kernels */
  kill(): boolean {
    const file = join(this.#path, 'cgroup.kill');
    if (!existsSync(file)) return false;
    writeFileSync(file, '1');
    return true;
  }

  /** @returns false while processes, or ended ones that nobody collected, are still in it */
  remove(): boolean {
    try {
      rmdirSync(this.#path);
      return true;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return true;
      if (errorCode(error) === 'EBUSY') return false;
      throw error;
    }
  }

  async #waitFor(state: string, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    for (let pause = 0; ; pause = Math.min(16, pause * 2 + 1)) {
      // Removed meanwhile, nobody is in it.
      if (!this.exists()) return true;
      if (readFileSync(join(this.#path, 'cgroup.events'), 'utf8').includes(state)) return true;
      if (performance.now() >= deadline) return false;
      // The kernel announces changes of this file at most every 10 ms; it usually stops all within 2 ms.
      await delay(pause);
    }
  }
}

/** The file by which a control group takes processes, kept open. */
export class CgroupDoor implements Disposable {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  /** @returns false when the process ended meanwhile */
  add(pid: number): boolean {
    try {
      writeSync(this.#file, String(pid));
      return true;
    } catch (error) {
      if (errorCode(error) === 'ESRCH') return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/**
 * A control group for `raypher run`: the command and everything it ever starts stay recognisable in it.
 *
 * @throws RaypherError `platform/unsupported` with the reason
 */
export function createRunCgroup(id: string, folder = 'raypher'): Cgroup {
  const probe = probeCgroups(folder);
  if (probe.available) return probe.cgroups.create(`run-${id}`);
  throw new RaypherError('platform/unsupported', `No control group for the command: ${probe.reason}.`);
}

/** Blanks and backslashes in mountinfo are written as three octal digits. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
