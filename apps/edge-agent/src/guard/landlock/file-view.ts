import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { type Mount, parseMounts } from './mounts.ts';

export type FileKind = 'folder' | 'file' | 'link' | 'other' | 'missing';

/** A file system, to look at only. */
export interface FileView {
  kind(path: string): FileKind;
  /** Names and kinds; none for a folder that is missing or closed to this user. */
  entries(folder: string): { name: string; kind: FileKind }[];
  /** Where a link leads in the end; undefined where that is nowhere. */
  realPath(path: string): string | undefined;
  /** What a link says, as it says it. */
  linkText(path: string): string | undefined;
  /** Device and inode, and how many names it has; undefined for what is missing. */
  identity(path: string): { key: string; names: number } | undefined;
  readonly mounts: readonly Mount[];
}

/** The file system of this machine, as this process sees it. */
export function localFiles(): FileView {
  return {
    kind: (path) => {
      const found = lstatSync(path, { throwIfNoEntry: false });
      return found === undefined ? 'missing' : kindOf(found);
    },
    entries: (folder) =>
      attempt(() =>
        readdirSync(folder, { withFileTypes: true }).map((entry) => ({
          name: entry.name,
          kind: kindOf(entry),
        })),
      ) ?? [],
    realPath: (path) => attempt(() => realpathSync.native(path)),
    linkText: (path) => attempt(() => readlinkSync(path)),
    identity: (path) => {
      const found = attempt(() => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
      return found && { key: `${found.dev}:${found.ino}`, names: Number(found.nlink) };
    },
    mounts: parseMounts(attempt(() => readFileSync('/proc/self/mountinfo', 'utf8')) ?? ''),
  };
}

interface Typed {
  isDirectory: () => boolean;
  isFile: () => boolean;
  isSymbolicLink: () => boolean;
}

function kindOf(found: Typed): FileKind {
  if (found.isDirectory()) return 'folder';
  if (found.isFile()) return 'file';
  return found.isSymbolicLink() ? 'link' : 'other';
}

/** What this user may not look at is not there for whatever this user starts, either. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
