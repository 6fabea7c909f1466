import { compilePathGlob } from '@raypher/policy';

/** Parts of an absolute pattern of the policy: literal ones, such with `*` or `?`, and `**` for any number of parts. */
export type PathPattern = readonly string[];

/** How far the things strictly below a folder match: `some` stands for what is not known beforehand. */
export type Coverage = 'all' | 'some' | 'none';

const ANY_DEPTH = '**';

/** @returns undefined for a pattern of another system, such as "C:/Users/*" */
export function parsePattern(pattern: string): PathPattern | undefined {
  if (!pattern.startsWith('/') && !pattern.startsWith(`${ANY_DEPTH}/`)) return undefined;
  const parts = partsOf(pattern);
  return pattern.endsWith('/') && parts.at(-1) !== ANY_DEPTH ? [...parts, ANY_DEPTH] : parts;
}

export function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

export function isWild(part: string): boolean {
  return part.includes('*') || part.includes('?');
}

/** Whether it says where a thing is: `**` only at its end. Names in folders of any depth are endlessly many places. */
export function namesPlace(pattern: PathPattern): boolean {
  const at = pattern.indexOf(ANY_DEPTH);
  return at === -1 || pattern.slice(at).every((part) => part === ANY_DEPTH);
}

const matchers = new Map<string, (text: string) => boolean>();

/** Whether one part of a pattern matches one name. */
export function partMatches(part: string, name: string): boolean {
  if (!isWild(part)) return part === name;
  const known = matchers.get(part) ?? compilePathGlob(part);
  matchers.set(part, known);
  return known(name);
}

/** What is left of the pattern after a path, in every way that it can have been matched so far. */
export function remainders(pattern: PathPattern, path: readonly string[]): PathPattern[] {
  let places = skipDepths(pattern, [0]);
  for (const name of path) {
    const next = places.flatMap((at) => {
      const part = pattern[at];
      if (part === undefined) return [];
      if (part === ANY_DEPTH) return [at];
      return partMatches(part, name) ? [at + 1] : [];
    });
    places = skipDepths(pattern, next);
  }
  return places.map((at) => pattern.slice(at));
}

/** `**` may stand for nothing. */
function skipDepths(pattern: PathPattern, places: readonly number[]): number[] {
  const all = new Set<number>();
  for (const place of places) {
    let at = place;
    all.add(at);
    while (pattern[at] === ANY_DEPTH) all.add(++at);
  }
  return [...all];
}

export function matches(pattern: PathPattern, path: readonly string[]): boolean {
  return remainders(pattern, path).some((left) => left.length === 0);
}

export function coverageBelow(pattern: PathPattern, folder: readonly string[]): Coverage {
  const left = remainders(pattern, folder).filter((rest) => rest.length > 0);
  if (left.some((rest) => rest.every((part) => part === ANY_DEPTH))) return 'all';
  return left.length > 0 ? 'some' : 'none';
}
