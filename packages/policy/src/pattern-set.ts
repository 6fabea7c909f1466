import { parseDestination } from './destination.ts';
import type { Field } from './field.ts';
import { pypiName } from './field.ts';
import { compileGlob } from './glob.ts';
import { normaliseHost } from './host.ts';
import { compilePathGlob, expandHome } from './path-glob.ts';

/**
 * Texts that every match of a pattern set has: one of `exact`, or a beginning of `prefixes`, an end of
 * `suffixes`, or (hosts) one of `parents` as a parent domain.
 */
export interface Anchors {
  readonly exact: readonly string[];
  readonly prefixes: readonly string[];
  readonly suffixes: readonly string[];
  readonly parents: readonly string[];
}

export interface PatternSet {
  holds(value: string): boolean;
  /** Absent: a pattern of the set matches anything. */
  readonly anchors: Anchors | undefined;
}

interface Gathered {
  readonly exact: Set<string>;
  readonly parents: Set<string>;
  readonly globs: ((value: string) => boolean)[];
  readonly prefixes: string[];
  readonly suffixes: string[];
  /** A pattern matches everything. */
  any: boolean;
  /** A pattern begins and ends with a wildcard. */
  isUnanchored: boolean;
}

/**
 * Patterns of which one must match, as the field's kind writes them: globs over names, globs over paths, or
 * destinations. Literal ones are looked up, not tried.
 *
 * @throws TypeError for destinations that no parser let through.
 */
export function compilePatterns(field: Field, patterns: readonly string[]): PatternSet {
  const into: Gathered = {
    exact: new Set(),
    parents: new Set(),
    globs: [],
    prefixes: [],
    suffixes: [],
    any: false,
    isUnanchored: false,
  };
  for (const pattern of patterns) {
    if (field.kind === 'host') addDestination(into, pattern);
    else if (field.kind === 'path') for (const one of expandHome(pattern)) addPath(into, one);
    else addName(into, field.ignoreCase ? pattern.toLowerCase() : pattern);
    if (field.kind === 'package') addName(into, pypiName(pattern));
  }
  return toSet(into);
}

/** Values of which one must be equal. */
export function compileValues(field: Field, values: readonly string[]): PatternSet {
  const folded = values.map((value) => {
    if (field.kind === 'host') return normaliseHost(value) ?? value;
    return field.ignoreCase ? value.toLowerCase() : value;
  });
  const exact = new Set(folded);
  if (field.kind === 'package') for (const value of values) exact.add(pypiName(value));
  return toSet({
    exact,
    parents: new Set(),
    globs: [],
    prefixes: [],
    suffixes: [],
    any: false,
    isUnanchored: false,
  });
}

function addDestination(into: Gathered, pattern: string): void {
  const parsed = parseDestination(pattern);
  if (!parsed.ok) throw new TypeError(`"${pattern}" cannot be a destination: ${parsed.problem}`);
  const { destination } = parsed;
  if (destination.kind === 'any') into.any = true;
  else if (destination.kind === 'exact') into.exact.add(destination.host);
  else into.parents.add(destination.suffix);
}

function addName(into: Gathered, pattern: string): void {
  if (pattern === '*') into.any = true;
  else if (!pattern.includes('*')) into.exact.add(pattern);
  else addGlob(into, compileGlob(pattern), /^[^*]*/.exec(pattern)?.[0] ?? '', lastLiteral(pattern));
}

function addPath(into: Gathered, pattern: string): void {
  if (pattern === '**') {
    into.any = true;
    return;
  }
  if (!/[*?]/.test(pattern) && !pattern.endsWith('/')) {
    into.exact.add(pattern);
    return;
  }
  const literal = /^[^*?]*/.exec(pattern)?.[0] ?? '';
  // `/srv/**` and `/srv/` hold `/srv` itself.
  const prefix = literal.length === pattern.length || pattern.startsWith('**', literal.length);
  addGlob(
    into,
    compilePathGlob(pattern),
    prefix ? literal.replace(/\/$/, '') : literal,
    pattern.endsWith('/') ? '' : (/[^*?]*$/.exec(pattern)?.[0] ?? ''),
  );
}

/** The work of an expression that backtracks would depend on the pattern; this does not. */
function lastLiteral(pattern: string): string {
  return pattern.slice(pattern.lastIndexOf('*') + 1);
}

function addGlob(into: Gathered, glob: (value: string) => boolean, prefix: string, suffix: string): void {
  into.globs.push(glob);
  if (prefix === '' && suffix === '') into.isUnanchored = true;
  else if (prefix.length >= suffix.length) into.prefixes.push(prefix);
  else into.suffixes.push(suffix);
}

function toSet({ exact, parents, globs, prefixes, suffixes, any, isUnanchored }: Gathered): PatternSet {
  const anchors =
    any || isUnanchored
      ? undefined
      : Object.freeze({ exact: [...exact], prefixes, suffixes, parents: [...parents] });
  return Object.freeze({
    anchors,
    holds(value: string): boolean {
      if (any || exact.has(value)) return true;
      if (parents.size > 0 && hasParentIn(parents, value)) return true;
      for (const glob of globs) if (glob(value)) return true;
      return false;
    },
  });
}

function hasParentIn(parents: ReadonlySet<string>, host: string): boolean {
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
    if (parents.has(host.slice(dot + 1))) return true;
  }
  return false;
}
