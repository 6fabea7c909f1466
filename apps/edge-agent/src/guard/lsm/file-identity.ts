import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import type { Inode } from './layout.ts';

const O_PATH = 0o10000000;
const MINOR_BITS = 20;

export interface Mount {
  readonly id: string;
  readonly dev: number;
  readonly path: string;
}

/** @param mountinfo text of /proc/self/mountinfo (proc_pid_mountinfo(5)) */
export function readMounts(mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [id, , numbers, , path] = line.split(' ');
    const [major, minor] = (numbers ?? '').split(':').map(Number);
    if (id === undefined || path === undefined || major === undefined || minor === undefined) return [];
    return [{ id, dev: major * 2 ** MINOR_BITS + minor, path: decode(path) }];
  });
}

/**
 * A file by the numbers that the kernel has for it, which are not on every file system those that stat(2) shows.
 * Opens it without touching it (O_PATH), and without following a last symbolic link.
 *
 * @returns undefined when it does not exist
 */
export function identifyFile(path: string, mounts: readonly Mount[]): Inode | undefined {
  let fd: number;
  try {
    fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    const ino = /^ino:\s*(\d+)/m.exec(info)?.[1];
    const mountId = /^mnt_id:\s*(\d+)/m.exec(info)?.[1];
    const mount = mounts.find(({ id }) => id === mountId);
    return ino === undefined || mount === undefined ? undefined : { dev: mount.dev, ino: BigInt(ino) };
  } finally {
    closeSync(fd);
  }
}

/** Blanks and backslashes are written as three octal digits. */
function decode(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
