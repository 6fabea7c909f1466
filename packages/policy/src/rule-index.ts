import type { Facts } from './facts.ts';
import type { Matcher } from './matcher.ts';
import type { Anchors } from './pattern-set.ts';

/** What the index needs to know of a rule. */
export interface Indexable {
  readonly matchers: readonly Matcher[];
  /** Whether the rule also matches facts that could not be learnt. */
  readonly matchesUnreadable: boolean;
}

/**
 * Finds the rules that can match without trying every rule. Each rule is filed under the values of **one** of
 * its conditions: the one that it shares with the fewest other rules. A decision then looks up the values that
 * the request has. All lists hold rule numbers in ascending order, which is the order of the document.
 */
export interface RuleIndex {
  readonly byField: readonly FieldIndex[];
  /** Rules without a condition that they could be filed under. */
  readonly always: readonly number[];
}

interface FieldIndex {
  readonly field: number;
  readonly exact: ReadonlyMap<string, readonly number[]>;
  readonly parents: ReadonlyMap<string, readonly number[]>;
  readonly prefixes: ReadonlyMap<string, readonly number[]>;
  readonly prefixLengths: readonly number[];
  readonly suffixes: ReadonlyMap<string, readonly number[]>;
  readonly suffixLengths: readonly number[];
  /** Rules that match when the value could not be learnt. */
  readonly unreadable: readonly number[];
}

/** Literal ends are cut to one of these lengths, so that a look-up tries few of them whatever the rules say. */
const LENGTHS = [48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1];

const KINDS = ['exact', 'parents', 'prefixes', 'suffixes'] as const;
type Kind = (typeof KINDS)[number];
type Key = readonly [kind: Kind, text: string];

export function buildRuleIndex(rules: readonly Indexable[]): RuleIndex {
  const usage = countKeys(rules);
  const always: number[] = [];
  const builders = new Map<number, Builder>();
  rules.forEach((rule, number) => {
    const matcher = mostSelective(rule.matchers, usage);
    if (matcher === undefined) {
      always.push(number);
      return;
    }
    const builder = builders.get(matcher.field) ?? new Builder(matcher.field);
    builders.set(matcher.field, builder);
    builder.add(keysOf(matcher.anchors), number, rule.matchesUnreadable);
  });
  return Object.freeze({
    byField: Object.freeze([...builders.values()].map((builder) => builder.build())),
    always: Object.freeze(always),
  });
}

/** The number of the first rule that passes `test`; -1 when there is none. */
export function firstMatch(index: RuleIndex, facts: Facts, test: (rule: number) => boolean): number {
  let best = -1;
  eachCandidateList(index, facts, (list) => {
    for (const rule of list) {
      if (best !== -1 && rule >= best) return;
      if (test(rule)) {
        best = rule;
        return;
      }
    }
  });
  return best;
}

/** Calls `visit` with the numbers of all rules that may match, some perhaps more than once. */
export function eachCandidate(index: RuleIndex, facts: Facts, visit: (rule: number) => void): void {
  eachCandidateList(index, facts, (list) => list.forEach(visit));
}

function eachCandidateList(index: RuleIndex, facts: Facts, visit: (list: readonly number[]) => void): void {
  for (const field of index.byField) {
    const value = facts.get(field.field);
    if (value === undefined) continue;
    if (typeof value === 'string') visitText(field, value, visit);
    else if (typeof value === 'object' && value !== null)
      for (const one of value) visitText(field, one, visit);
    else visit(field.unreadable);
  }
  if (index.always.length > 0) visit(index.always);
}

function visitText(field: FieldIndex, value: string, visit: (list: readonly number[]) => void): void {
  const exact = field.exact.get(value);
  if (exact !== undefined) visit(exact);
  if (field.parents.size > 0) {
    for (let dot = value.indexOf('.'); dot !== -1; dot = value.indexOf('.', dot + 1)) {
      const below = field.parents.get(value.slice(dot + 1));
      if (below !== undefined) visit(below);
    }
  }
  for (const length of field.prefixLengths) {
    const list = length > value.length ? undefined : field.prefixes.get(value.slice(0, length));
    if (list !== undefined) visit(list);
  }
  for (const length of field.suffixLengths) {
    const list = length > value.length ? undefined : field.suffixes.get(value.slice(value.length - length));
    if (list !== undefined) visit(list);
  }
}

type Anchored = Matcher & { readonly field: number; readonly anchors: Anchors };

function isAnchored(matcher: Matcher): matcher is Anchored {
  return matcher.field !== undefined && matcher.anchors !== undefined;
}

function keysOf(anchors: Anchors): Key[] {
  return KINDS.flatMap((kind) =>
    anchors[kind].map((text): Key => {
      if (kind === 'prefixes') return [kind, text.slice(0, cutLength(text))];
      return kind === 'suffixes' ? [kind, text.slice(-cutLength(text))] : [kind, text];
    }),
  );
}

function cutLength(text: string): number {
  return LENGTHS.find((length) => length <= text.length) ?? 1;
}

/** How many rules could be filed under each key. */
function countKeys(rules: readonly Indexable[]): Map<string, number> {
  const usage = new Map<string, number>();
  for (const { matchers } of rules) {
    for (const matcher of matchers) {
      if (!isAnchored(matcher)) continue;
      for (const key of keysOf(matcher.anchors)) {
        const name = usageName(matcher.field, key);
        usage.set(name, (usage.get(name) ?? 0) + 1);
      }
    }
  }
  return usage;
}

function usageName(field: number, [kind, text]: Key): string {
  return `${field} ${kind} ${text}`;
}

function mostSelective(
  matchers: readonly Matcher[],
  usage: ReadonlyMap<string, number>,
): Anchored | undefined {
  let best: Anchored | undefined;
  let bestUsage = Number.POSITIVE_INFINITY;
  for (const matcher of matchers) {
    if (!isAnchored(matcher)) continue;
    const own = keysOf(matcher.anchors).reduce(
      (most, key) => Math.max(most, usage.get(usageName(matcher.field, key)) ?? 0),
      0,
    );
    if (own < bestUsage) [best, bestUsage] = [matcher, own];
  }
  return best;
}

class Builder {
  readonly #field: number;
  readonly #maps = {
    exact: new Map<string, number[]>(),
    parents: new Map<string, number[]>(),
    prefixes: new Map<string, number[]>(),
    suffixes: new Map<string, number[]>(),
  };
  readonly #unreadable: number[] = [];

  constructor(field: number) {
    this.#field = field;
  }

  add(keys: readonly Key[], rule: number, matchesUnreadable: boolean): void {
    for (const [kind, text] of keys) {
      const list = this.#maps[kind].get(text);
      if (list === undefined) this.#maps[kind].set(text, [rule]);
      else if (list.at(-1) !== rule) list.push(rule);
    }
    if (matchesUnreadable) this.#unreadable.push(rule);
  }

  build(): FieldIndex {
    return Object.freeze({
      field: this.#field,
      ...this.#maps,
      prefixLengths: lengthsOf(this.#maps.prefixes),
      suffixLengths: lengthsOf(this.#maps.suffixes),
      unreadable: Object.freeze(this.#unreadable),
    });
  }
}

function lengthsOf(map: ReadonlyMap<string, unknown>): readonly number[] {
  const present = new Set([...map.keys()].map((key) => key.length));
  return Object.freeze([...present]);
}
