import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readProcText } from '../discovery/procfs.ts';
import { findCgroupMount } from '../response/cgroup.ts';

/** Directories looked at to learn their ids. A machine with more is served by the searches that follow. */
const MAX_DIRECTORIES = 4096;
const REBUILD_EVERY_MS = 1000;

/** Finds the processes of a control group (version 2) by its id, which is the inode of its directory. */
export class ControlGroups {
  readonly #mount: string | undefined;
  readonly #directories = new Map<bigint, string>();
  #rebuiltAt = Number.NEGATIVE_INFINITY;

  constructor() {
    const mountinfo = readProcText('/proc/self/mountinfo');
    this.#mount = mountinfo.ok ? findCgroupMount(mountinfo.value)?.path : undefined;
  }

  /** @returns none for a group that is gone or not visible from here */
  processesOf(id: bigint): number[] {
    const directory = this.#directoryOf(id);
    if (directory === undefined) return [];
    const read = readProcText(join(directory, 'cgroup.procs'));
    if (!read.ok) return [];
    // 0 stands for a process of another pid namespace.
    return read.value
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
  }

  #directoryOf(id: bigint): string | undefined {
    const known = this.#directories.get(id);
    if (known !== undefined && inodeOf(known) === id) return known;
    this.#rebuild();
    return this.#directories.get(id);
  }

  #rebuild(): void {
    const now = performance.now();
    if (this.#mount === undefined || now - this.#rebuiltAt < REBUILD_EVERY_MS) return;
    this.#rebuiltAt = now;
    this.#directories.clear();
    // Breadth first: the list grows while it is walked.
    const waiting = [this.#mount];
    for (let index = 0; index < waiting.length && index < MAX_DIRECTORIES; index += 1) {
      const directory = waiting[index] ?? '';
      const id = inodeOf(directory);
      if (id === undefined) continue;
      this.#directories.set(id, directory);
      waiting.push(...subdirectories(directory));
    }
  }
}

function inodeOf(directory: string): bigint | undefined {
  return statSync(directory, { bigint: true, throwIfNoEntry: false })?.ino;
}

function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [join(directory, entry.name)] : [],
    );
  } catch {
    // Removed meanwhile.
    return [];
  }
}
