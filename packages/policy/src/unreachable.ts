import { formatPath, type PolicyIssue } from './issue.ts';
import { parseYaml } from './parse-yaml.ts';
import type { PolicyDocument } from './schema.ts';
import { RULE_SECTIONS } from './section.ts';
import { SourceMap } from './source-map.ts';

/** Something that is allowed and probably not meant. */
export type PolicyWarning = Omit<PolicyIssue, 'code' | 'suggestion'> & {
  readonly code: 'policy/unreachable';
};

/** What a rule says beside what it matches. */
const NOT_MATCHERS: ReadonlySet<string> = new Set([
  'id',
  'effect',
  'reason',
  'on_timeout',
  'timeout_seconds',
  'approvers',
]);
/** Facts that are always known: a permission that asks for nothing else leaves nothing to the rules after it. */
const ALWAYS_KNOWN: ReadonlySet<string> = new Set(['destinations', 'actions', 'direction']);
/** Compared pairwise; beyond this many rules of a section nothing is said, rather than slowly. */
const MAX_RULES = 500;

/**
 * Rules that never decide, because one before them in the same section matches whatever they match. Says nothing
 * where that cannot be told from the documents alone, so that what it says is true.
 *
 * @param source that `parsePolicy` read as this document
 */
export function unreachableRules(source: string, document: PolicyDocument): PolicyWarning[] {
  const found = RULE_SECTIONS.flatMap((section) => {
    const rules = document[section]?.rules ?? [];
    if (rules.length > MAX_RULES) return [];
    return rules.flatMap((rule, index) => {
      const earlier = rules.slice(0, index).find((one) => covers(one, rule));
      return earlier === undefined ? [] : [{ section, index, rule, earlier }];
    });
  });
  if (found.length === 0) return [];
  const yaml = parseYaml(source);
  const map = new SourceMap(source);
  return found.map(({ section, index, rule, earlier }) => {
    const path = [section, 'rules', index];
    const message = `rule \`${rule.id}\` never decides: \`${earlier.id}\` stands before it and matches all that it matches`;
    const range = map.locate(yaml, [...path, 'id'], 'value');
    return { code: 'policy/unreachable', message, ...range, path: formatPath(path) };
  });
}

/** Whether the earlier rule matches every request that the later one matches. */
function covers(earlier: object, later: object): boolean {
  const [a, b] = [matchersOf(earlier), matchersOf(later)];
  // A fact that nobody knows meets rules that restrict and none that permit: behind a permission that asks for
  // such a fact a restriction still decides.
  if (permits(earlier) && !permits(later) && Object.keys(a).some((key) => !ALWAYS_KNOWN.has(key)))
    return false;
  return Object.entries(a).every(([key, value]) => matcherCovers(key, value, b[key]));
}

function permits(rule: object): boolean {
  return 'effect' in rule && (rule.effect === 'allow' || rule.effect === 'alert');
}

function matchersOf(rule: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(rule).filter(([key, value]) => !NOT_MATCHERS.has(key) && value !== undefined),
  );
}

function matcherCovers(key: string, earlier: unknown, later: unknown): boolean {
  if (key === 'direction' && earlier === 'both') return true;
  if (key === 'below') return typeof earlier === 'number' && typeof later === 'number' && earlier >= later;
  if (key === 'agents') return everyKeyCovers(earlier, later);
  // Of windows of time and conditions only what is written alike is taken as alike.
  if (key === 'times' || key === 'when') return JSON.stringify(earlier) === JSON.stringify(later);
  return listCovers(key, earlier, later);
}

function everyKeyCovers(earlier: unknown, later: unknown): boolean {
  if (typeof earlier !== 'object' || earlier === null || typeof later !== 'object' || later === null)
    return false;
  return Object.entries(earlier)
    .filter(([, value]) => value !== undefined)
    .every(([key, value]) => listCovers(key, value, Reflect.get(later, key)));
}

/** One of a list must match, so a list covers another that holds nothing else. */
function listCovers(key: string, earlier: unknown, later: unknown): boolean {
  if (!Array.isArray(earlier) || !Array.isArray(later))
    return JSON.stringify(earlier) === JSON.stringify(later);
  return later.every((item) => earlier.some((one) => itemCovers(key, one, item)));
}

function itemCovers(key: string, earlier: unknown, later: unknown): boolean {
  if (earlier === later) return true;
  if (key !== 'destinations' || typeof earlier !== 'string' || typeof later !== 'string') return false;
  if (earlier === '*') return true;
  return earlier.startsWith('*.') && later.toLowerCase().endsWith(earlier.slice(1).toLowerCase());
}
