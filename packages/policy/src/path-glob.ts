/**
 * Compiles a glob over paths: `*` and `?` stay within one part, `**` stands for any number of parts, including
 * none, so that `/srv/**` holds `/srv` and all below it. A pattern that ends in `/` means the same. Each part is
 * matched from left to right with one place to go back to per kind of star, so that the work is at most the
 * product of the two lengths.
 *
 * @example compilePathGlob('/home/*\/.ssh/**')('/home/ann/.ssh/id_ed25519') // true
 */
export function compilePathGlob(pattern: string): (path: string) => boolean {
  const parts = partsOf(pattern.endsWith('/') ? `${pattern}**` : pattern);
  if (!pattern.includes('*') && !pattern.includes('?') && !pattern.endsWith('/')) {
    return (path) => path === pattern;
  }
  return (path) => partsMatch(parts, partsOf(path));
}

/** The spellings of `~/…` for homes where systems put them; other patterns stand for themselves. */
export function expandHome(pattern: string): string[] {
  if (pattern !== '~' && !pattern.startsWith('~/')) return [pattern];
  const below = pattern.slice(1);
  return HOMES.map((home) => `${home}${below}`);
}

const HOMES = ['/home/*', '/root', '/Users/*', 'C:/Users/*'];

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

/** Greedy with one backtracking point, as for single stars: the last `**` can always take over the earlier. */
function partsMatch(pattern: readonly string[], path: readonly string[]): boolean {
  let [at, wanted, resumeAt, resumeWanted] = [0, 0, -1, -1];
  while (at < path.length) {
    const part = pattern[wanted];
    if (part === '**') {
      resumeWanted = ++wanted;
      resumeAt = at;
    } else if (part !== undefined && partMatches(part, path[at] ?? '')) {
      wanted++;
      at++;
    } else if (resumeWanted !== -1) {
      wanted = resumeWanted;
      at = ++resumeAt;
    } else {
      return false;
    }
  }
  while (pattern[wanted] === '**') wanted++;
  return wanted === pattern.length;
}

function partMatches(pattern: string, text: string): boolean {
  let [at, wanted, resumeAt, resumeWanted] = [0, 0, -1, -1];
  while (at < text.length) {
    const sign = pattern[wanted];
    if (sign === '*') {
      resumeWanted = ++wanted;
      resumeAt = at;
    } else if (sign !== undefined && (sign === '?' || sign === text[at])) {
      wanted++;
      at++;
    } else if (resumeWanted !== -1) {
      wanted = resumeWanted;
      at = ++resumeAt;
    } else {
      return false;
    }
  }
  while (pattern[wanted] === '*') wanted++;
  return wanted === pattern.length;
}
