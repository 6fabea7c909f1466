import type { PolicyLayer } from '@raypher/policy';
import {
  type FileOperation,
  type GuardList,
  type GuardPolicy,
  type GuardRule,
  type GuardVerdict,
  type Unexpressed,
} from '../guard-policy.ts';
import { canonicalPatterns } from './canonical-patterns.ts';
import type { FileView } from './file-view.ts';
import type { ProgramFiles } from './find-programs.ts';
import {
  type Coverage,
  coverageBelow,
  isWild,
  matches,
  namesPlace,
  type PathPattern,
  parsePattern,
  partsOf,
} from './path-pattern.ts';

/** A place or a set of programs that a rule is about. */
interface Place {
  holds(path: string): boolean;
  coverage(folder: string): Coverage;
}

interface CompiledRule {
  readonly id: string;
  readonly verdict: GuardVerdict;
  readonly operations: ReadonlySet<FileOperation>;
  readonly paths: readonly Place[] | undefined;
  readonly programs: readonly Place[] | undefined;
}

interface CompiledList {
  readonly layer: PolicyLayer;
  readonly mode: GuardList['mode'];
  readonly rules: readonly CompiledRule[];
  readonly defaults: GuardList['defaults'];
}

/** What a policy says about paths without links. */
export interface CompiledRules {
  /** About one file. */
  decide(operation: FileOperation, path: string): GuardVerdict;
  /** Why one file is refused, the strictest first; undefined where it is allowed. */
  refusal(operation: FileOperation, path: string): Refusal | undefined;
  /** About everything strictly below a folder; undefined where that differs. */
  decideBelow(operation: FileOperation, folder: string): GuardVerdict | undefined;
  /** Canonical paths of programs that some rule names. */
  readonly namedPrograms: readonly string[];
  readonly unexpressed: readonly Unexpressed[];
}

/** Why something is refused; or would be, where `mode` is `monitor`. */
export interface Refusal {
  readonly layer: PolicyLayer;
  readonly rule: string;
  readonly mode: GuardList['mode'];
}

/** @param modes of the lists that count; those in monitor mode put nothing in force */
export function compileRules(
  { lists }: Pick<GuardPolicy, 'lists'>,
  files: FileView,
  programs: ProgramFiles,
  modes: readonly GuardList['mode'][] = ['enforce'],
): CompiledRules {
  const unexpressed: Unexpressed[] = [];
  const namedPrograms = new Set<string>();
  const compiled = lists
    .filter(({ mode }) => modes.includes(mode))
    .map(
      (list): CompiledList => ({
        layer: list.layer,
        mode: list.mode,
        defaults: list.defaults,
        rules: list.rules.flatMap((rule) => {
          const note = (because: string): void => {
            unexpressed.push({ layer: list.layer, rule: rule.id, because });
          };
          return compileRule(rule, { files, programs, note, named: (path) => namedPrograms.add(path) });
        }),
      }),
    );
  return {
    refusal: (operation, path) => {
      const refusals = compiled.flatMap((list) => refusalOf(list, operation, path));
      return refusals.find(({ mode }) => mode === 'enforce') ?? refusals[0];
    },
    decide: (operation, path) =>
      compiled.some((list) => verdictOn(list, operation, path) === 'deny') ? 'deny' : 'allow',
    decideBelow: (operation, folder) => {
      const verdicts = compiled.map((list) => verdictsBelow(list, operation, folder));
      if (verdicts.some((possible) => possible.size === 1 && possible.has('deny'))) return 'deny';
      return verdicts.every((possible) => !possible.has('deny')) ? 'allow' : undefined;
    },
    namedPrograms: [...namedPrograms],
    unexpressed,
  };
}

interface RuleContext {
  readonly files: FileView;
  readonly programs: ProgramFiles;
  readonly note: (because: string) => void;
  readonly named: (path: string) => void;
}

/** @returns none for a rule that cannot be held at all, which was noted */
function compileRule(rule: GuardRule, context: RuleContext): CompiledRule[] {
  const { verdict } = rule;
  const paths = rule.paths && placesOf(rule.paths, verdict, context);
  const programs = rule.programs && programPlaces(rule.programs, verdict, context);
  if (paths?.length === 0 || programs?.length === 0) return [];
  const operations = rule.programs === undefined ? rule.operations : (['execute'] as const);
  return [{ id: rule.id, verdict, operations: new Set(operations), paths, programs }];
}

function placesOf(patterns: readonly string[], verdict: GuardVerdict, { files, note }: RuleContext): Place[] {
  return patterns.flatMap((pattern) => {
    const parsed = parsePattern(pattern);
    if (parsed === undefined) return [];
    if (!namesPlace(parsed)) {
      note(
        verdict === 'deny'
          ? `${pattern}, a name in folders of any depth`
          : `${pattern}, a name in folders of any depth, is not allowed`,
      );
      return [];
    }
    const canonical = canonicalPatterns(parsed, files, verdict);
    if (verdict === 'deny') noteOtherNames(canonical, files, note);
    return canonical.map(placeOf);
  });
}

/** What else leads to a file that is denied. */
function noteOtherNames(
  patterns: readonly PathPattern[],
  files: FileView,
  note: (because: string) => void,
): void {
  for (const pattern of patterns) {
    const path = `/${pattern.join('/')}`;
    const kind = files.kind(path);
    if (kind === 'file' && (files.identity(path)?.names ?? 1) > 1) {
      note(`other names (hard links) of ${path} outside folders with something refused`);
    }
    if (kind === 'other' && path.endsWith('.sock')) {
      note(`connections to ${path}, where that is a socket`);
    }
  }
}

function placeOf(pattern: PathPattern): Place {
  const wild = pattern.findIndex(isWild);
  if (wild !== -1) {
    // Almost all files lie elsewhere: the part without wildcards says so at once.
    const beginning = inside(`/${pattern.slice(0, wild).join('/')}`);
    return {
      holds: (path) => inside(path).startsWith(beginning) && matches(pattern, partsOf(path)),
      coverage: (folder) => {
        const below = inside(folder);
        if (!below.startsWith(beginning) && !beginning.startsWith(below)) return 'none';
        return coverageBelow(pattern, partsOf(folder));
      },
    };
  }
  // Most are one file each, and there are many files to ask about.
  const whole = `/${pattern.join('/')}`;
  return {
    holds: (path) => path === whole,
    coverage: (folder) => (whole.startsWith(inside(folder)) && whole !== '/' ? 'some' : 'none'),
  };
}

/** Beginning of the paths strictly below a folder. */
function inside(folder: string): string {
  return folder === '/' ? '/' : `${folder}/`;
}

function programPlaces(patterns: readonly string[], verdict: GuardVerdict, context: RuleContext): Place[] {
  const { programs, note, named } = context;
  const names = patterns.filter((pattern) => !pattern.includes('/'));
  if (verdict === 'deny' && names.length > 0) {
    note(`${names.join(', ')} outside the folders of PATH and of the system`);
  }
  return patterns.flatMap((pattern) => {
    if (pattern.includes('/')) return wholePathPlaces(pattern, verdict, context);
    const paths = programs.named(pattern);
    for (const path of paths) named(path);
    return paths.map((path) => placeOf(partsOf(path)));
  });
}

/** A whole path in which `*` also stands for slashes: a place where it is at the end alone. */
function wholePathPlaces(
  pattern: string,
  verdict: GuardVerdict,
  { files, note, named }: RuleContext,
): Place[] {
  const star = pattern.indexOf('*');
  if (star !== -1 && star === pattern.length - 1) return [beginningPlace(pattern.slice(0, star))];
  if (!pattern.startsWith('/')) {
    note(`${pattern}, a name in folders of any depth`);
    return [];
  }
  if (star !== -1) note(`${pattern} where * stands for several folders`);
  const canonical = canonicalPatterns(partsOf(pattern), files, verdict);
  for (const path of canonical) if (!path.some(isWild)) named(`/${path.join('/')}`);
  return canonical.map(placeOf);
}

function beginningPlace(beginning: string): Place {
  return {
    holds: (path) => path.startsWith(beginning),
    coverage: (folder) => {
      const below = inside(folder);
      if (below.startsWith(beginning)) return 'all';
      return beginning.startsWith(below) ? 'some' : 'none';
    },
  };
}

function verdictOn(list: CompiledList, operation: FileOperation, path: string): GuardVerdict {
  return ruleOn(list, operation, path)?.verdict ?? list.defaults[operation] ?? 'allow';
}

function refusalOf(list: CompiledList, operation: FileOperation, path: string): Refusal[] {
  const rule = ruleOn(list, operation, path);
  if ((rule?.verdict ?? list.defaults[operation] ?? 'allow') === 'allow') return [];
  return [{ layer: list.layer, rule: rule?.id ?? 'default', mode: list.mode }];
}

function ruleOn(list: CompiledList, operation: FileOperation, path: string): CompiledRule | undefined {
  return list.rules.find(
    ({ operations, paths, programs }) =>
      operations.has(operation) &&
      (paths?.some((place) => place.holds(path)) ?? true) &&
      (programs?.some((place) => place.holds(path)) ?? true),
  );
}

/** The verdicts that things below a folder can get. */
function verdictsBelow(list: CompiledList, operation: FileOperation, folder: string): Set<GuardVerdict> {
  const possible = new Set<GuardVerdict>();
  for (const { verdict, operations, paths, programs } of list.rules) {
    if (!operations.has(operation)) continue;
    const coverage = both(ofAny(paths, folder), ofAny(programs, folder));
    if (coverage !== 'none') possible.add(verdict);
    if (coverage === 'all') return possible;
  }
  return possible.add(list.defaults[operation] ?? 'allow');
}

function ofAny(places: readonly Place[] | undefined, folder: string): Coverage {
  if (places === undefined) return 'all';
  let strongest: Coverage = 'none';
  for (const place of places) {
    const coverage = place.coverage(folder);
    if (coverage === 'all') return 'all';
    if (coverage === 'some') strongest = 'some';
  }
  return strongest;
}

function both(a: Coverage, b: Coverage): Coverage {
  if (a === 'none' || b === 'none') return 'none';
  return a === 'all' && b === 'all' ? 'all' : 'some';
}
