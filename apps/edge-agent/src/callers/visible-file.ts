import { readlinkSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readProcLink } from '../discovery/procfs.ts';

/**
 * Whether a process sees the machine's files as everybody does. One in a mount namespace or root of its own can
 * show another file, or other libraries, under an allowed name; one in a user namespace of its own may tell the
 * kernel that it runs another executable (`PR_SET_MM_EXE_FILE`, prctl(2)).
 */
export function seesTheMachine(pid: number): boolean {
  const root = readProcLink(`/proc/${pid}/root`);
  if (!root.ok || root.value !== '/') return false;
  return isInOurs(pid, 'mnt') && isInOurs(pid, 'user');
}

/** In the service's own namespace, or in that of the first process: the machine's, or the agent's container's. */
function isInOurs(pid: number, namespace: 'mnt' | 'user'): boolean {
  const [theirs, ours, first] = [pid, 'self', 1].map((of) => readProcLink(`/proc/${of}/ns/${namespace}`));
  if (theirs?.ok !== true) return false;
  return (
    (ours?.ok === true && theirs.value === ours.value) || (first?.ok === true && theirs.value === first.value)
  );
}

/** The service's own, which a hardened unit has for itself. */
function ownMounts(): string | undefined {
  const own = readProcLink('/proc/self/ns/mnt');
  return own.ok ? own.value : undefined;
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
