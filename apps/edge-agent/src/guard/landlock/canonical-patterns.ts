import { join, resolve } from 'node:path';
import type { GuardVerdict } from '../guard-policy.ts';
import type { FileView } from './file-view.ts';
import type { Mount } from './mounts.ts';
import { isWild, type PathPattern, partMatches, partsOf, remainders } from './path-pattern.ts';

/** Links on the way of one pattern; the kernel follows no more either (path_resolution(7)). */
const MAX_LINKS = 40;
/** Folders looked into for one pattern with wildcards. */
const MAX_FOLDERS = 4096;

/** Folders whose links the system made: "/bin", "/lib64", "/var/run". */
const SYSTEM_FOLDERS = ['/', '/var'];

/**
 * A pattern as paths of the file system without links: for every link that it leads through, or ends in, also where
 * that leads; for every other mount that shows the same files, also the paths there. What does not exist yet keeps its
 * spelling.
 *
 * @param verdict what is allowed does not follow links, except those of the system itself: who may make a link could
 *   allow anything
 */
export function canonicalPatterns(
  pattern: PathPattern,
  files: FileView,
  verdict: GuardVerdict,
): PathPattern[] {
  const walk: Walk = { files, verdict, left: MAX_FOLDERS, found: new Map() };
  follow(walk, [], pattern, MAX_LINKS);
  if (verdict === 'allow') return [...walk.found.values()];
  for (const canonical of [...walk.found.values()]) {
    for (const other of throughMounts(canonical, files.mounts)) walk.found.set(other.join('/'), other);
  }
  return [...walk.found.values()];
}

interface Walk {
  readonly verdict: GuardVerdict;
  readonly files: FileView;
  left: number;
  readonly found: Map<string, PathPattern>;
}

/** @param behind parts without links, @param ahead those still to look at */
function follow(walk: Walk, behind: readonly string[], ahead: PathPattern, links: number): void {
  const [part, ...rest] = ahead;
  if (part === undefined || part === '**') {
    add(walk, [...behind, ...ahead]);
    return;
  }
  if (isWild(part)) {
    // New entries match as well: the pattern itself stays, and what links there are come on top.
    add(walk, [...behind, ...ahead]);
    if (walk.verdict === 'allow' || walk.left-- <= 0) return;
    for (const { name, kind } of walk.files.entries(`/${behind.join('/')}`)) {
      if (!partMatches(part, name)) continue;
      if (kind === 'link') followLink(walk, behind, name, rest, links);
      else if (kind === 'folder' && rest.length > 0 && hasLinks(walk, [...behind, name], rest)) {
        follow(walk, [...behind, name], rest, links);
      }
    }
    return;
  }
  const path = `/${[...behind, part].join('/')}`;
  switch (walk.files.kind(path)) {
    case 'link':
      followLink(walk, behind, part, rest, links);
      return;
    case 'folder':
      follow(walk, [...behind, part], rest, links);
      return;
    default:
      add(walk, [...behind, ...ahead]);
  }
}

function followLink(
  walk: Walk,
  behind: readonly string[],
  name: string,
  rest: PathPattern,
  links: number,
): void {
  if (links === 0) return;
  const path = `/${[...behind, name].join('/')}`;
  // The link itself can be removed or replaced.
  add(walk, [...behind, name, ...rest]);
  if (walk.verdict === 'allow' && !SYSTEM_FOLDERS.includes(`/${behind.join('/')}`)) return;
  const real = walk.files.realPath(path);
  if (real !== undefined) {
    follow(walk, partsOf(real), rest, links - 1);
    return;
  }
  // It leads to what is not there yet.
  const text = walk.files.linkText(path);
  if (text === undefined) return;
  follow(walk, [], [...partsOf(resolve(join('/', ...behind), text)), ...rest], links - 1);
}

/** Whether the next part leads through a link here; wildcards are always looked at. */
function hasLinks(walk: Walk, folder: readonly string[], rest: PathPattern): boolean {
  const [part = ''] = rest;
  if (part === '**') return false;
  if (isWild(part)) return true;
  const kind = walk.files.kind(`/${[...folder, part].join('/')}`);
  return kind === 'link' || (kind === 'folder' && rest.length > 1);
}

function add({ found }: Walk, pattern: PathPattern): void {
  found.set(pattern.join('/'), pattern);
}

/** The same files under the paths of other mounts, and of the layers of an overlay. */
function throughMounts(pattern: PathPattern, mounts: readonly Mount[]): PathPattern[] {
  return mounts.flatMap((shown) => {
    const below = remainders(pattern, partsOf(shown.point)).filter((left) => left.length > 0);
    if (below.length === 0) return [];
    const inFileSystem = below.map((left) => [...partsOf(shown.root), ...left]);
    const others = mounts.filter((other) => other.device === shown.device && other.point !== shown.point);
    return [
      ...others.flatMap((other) =>
        inFileSystem.flatMap((path) =>
          remainders(path, partsOf(other.root)).map((left) => [...partsOf(other.point), ...left]),
        ),
      ),
      ...shown.layers.flatMap((layer) => below.map((left) => [...partsOf(layer), ...left])),
    ];
  });
}
