import { readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compilePathGlob } from '@raypher/policy';
import { identifyFile, type Mount } from './file-identity.ts';
import type { Inode, Reach } from './layout.ts';
import { isPattern } from './path-pattern.ts';

/** Names that a pattern may stand for at most; more are not resolved. */
const MAX_MATCHES = 20_000;

/** A place of the file system that a rule is about. */
export type ResolvedPlace =
  | { readonly inode: Inode; readonly reach: Reach }
  /** A name in a folder, whether or not there is a file of that name now. */
  | { readonly folder: Inode; readonly name: string; readonly reach: Reach };

export interface Resolution {
  readonly places: readonly ResolvedPlace[];
  /** What the rule does not reach until places are resolved again. */
  readonly gap: string | undefined;
}

/**
 * Finds what is at a place now, by the numbers of the files. Symbolic links on the way are followed: both the link
 * and what it leads to are held. A mount below a folder is another tree for the kernel and is held, too.
 */
export function resolvePlace(
  place: { readonly base: string; readonly parts: readonly string[]; readonly reach: Reach },
  mounts: readonly Mount[],
): Resolution {
  const { paths, isComplete } = expand(place.base, place.parts);
  const found: ResolvedPlace[] = [];
  let isMissing = false;
  for (const path of paths) {
    const resolved = resolveOne(path, place.reach, mounts);
    if (resolved === undefined) isMissing = true;
    else found.push(...resolved);
  }
  const gap =
    place.parts.length > 0
      ? 'files that come to match it later are held from the next time it is resolved'
      : isMissing
        ? 'the folder that it would be in does not exist; it is held from the next time it is resolved'
        : undefined;
  return { places: found, gap: isComplete ? gap : `it stands for more than ${MAX_MATCHES} files` };
}

function resolveOne(path: string, reach: Reach, mounts: readonly Mount[]): ResolvedPlace[] | undefined {
  const spellings = new Set([path, realPath(path)]);
  const found: ResolvedPlace[] = [];
  for (const spelling of spellings) {
    if (spelling === undefined) continue;
    const folder =
      spelling === '/' ? undefined : identifyFile(realPath(dirname(spelling)) ?? dirname(spelling), mounts);
    const inode = identifyFile(spelling, mounts);
    if (folder !== undefined) found.push({ folder, name: basename(spelling), reach });
    if (inode !== undefined) found.push({ inode, reach });
    if (reach === 'below') found.push(...mountsBelow(spelling, mounts));
  }
  return found.length > 0 ? found : undefined;
}

function mountsBelow(path: string, mounts: readonly Mount[]): ResolvedPlace[] {
  const prefix = path === '/' ? '/' : `${path}/`;
  return mounts
    .filter((mount) => mount.path.startsWith(prefix))
    .flatMap((mount) => {
      const inode = identifyFile(mount.path, mounts);
      return inode === undefined ? [] : [{ inode, reach: 'below' as const }];
    });
}

/** Paths that patterns of single names below a folder stand for now. */
function expand(base: string, parts: readonly string[]): { paths: string[]; isComplete: boolean } {
  let paths = [base];
  for (const part of parts) {
    const matches = compilePathGlob(`/${part}`);
    paths = paths.flatMap((path) => {
      if (!isPattern(part)) return [join(path, part)];
      return namesIn(path)
        .filter((name) => matches(`/${name}`))
        .map((name) => join(path, name));
    });
    if (paths.length > MAX_MATCHES) return { paths: paths.slice(0, MAX_MATCHES), isComplete: false };
  }
  return { paths, isComplete: true };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
