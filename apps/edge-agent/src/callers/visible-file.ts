import { readlinkSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readProcLink } from '../discovery/procfs.ts';

/**
 * Whether a process sees the machine's files as everybody does. One in a mount namespace or root of its own can
 * show another file, or other libraries, under an allowed name.
 */
export function seesTheMachine(pid: number): boolean {
  const root = readProcLink(`/proc/${pid}/root`);
  const mounts = readProcLink(`/proc/${pid}/ns/mnt`);
  if (!root.ok || root.value !== '/' || !mounts.ok) return false;
  return mounts.value === ownMounts() || mounts.value === machineMounts();
}

/** The service's own, which a hardened unit has for itself. */
function ownMounts(): string | undefined {
  const own = readProcLink('/proc/self/ns/mnt');
  return own.ok ? own.value : undefined;
}

/** Those of the first process: the machine's, or the container's that the agent runs in. */
function machineMounts(): string | undefined {
  const first = readProcLink('/proc/1/ns/mnt');
  return first.ok ? first.value : undefined;
}

const MAX_LINKS = 40;

export interface VisibleFile {
  /** As the process sees it, without symbolic links. */
  path: string;
  /** By which this agent reaches the same file. */
  reach: string;
}

/**
 * The file that a path of a process leads to. Links are followed here, one by one: the kernel would follow an
 * absolute one from this agent's root and not from the process's.
 *
 * @returns undefined when there is no such path
 */
export function visibleFile(pid: number, path: string, cwd: string): VisibleFile | undefined {
  const prefix = readProcLink(`/proc/${pid}/ns/mnt`);
  const root = prefix.ok && prefix.value === ownMounts() ? '' : `/proc/${pid}/root`;
  const waiting = resolve(cwd, path).split('/').filter(Boolean);
  let current = '';
  for (let links = 0; ; ) {
    const part = waiting.shift();
    if (part === undefined) return { path: current, reach: root + current };
    const next = `${current}/${part}`;
    const target = linkTarget(root + next);
    if (target === undefined) {
      current = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    waiting.unshift(
      ...resolve(current === '' ? '/' : current, target)
        .split('/')
        .filter(Boolean),
    );
    current = '';
  }
}

/** Without links, or as it stands when there is no such folder. */
export function realDirectory(path: string): string {
  try {
    return realpathSync(dirname(path));
  } catch {
    return dirname(path);
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // No link, or nothing at all; whoever opens it finds out.
    return undefined;
  }
}
