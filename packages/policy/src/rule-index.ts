import type { Facts } from './facts.ts';
import { type Matcher, matchersHold } from './matcher.ts';
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
  /** By hash, like the next two: cutting texts would cost more than comparing the few that collide. */
  readonly parents: ReadonlyMap<number, readonly number[]>;
  readonly prefixes: ReadonlyMap<number, readonly number[]>;
  /** Ascending. */
  readonly prefixLengths: readonly number[];
  readonly suffixes: ReadonlyMap<number, readonly number[]>;
  readonly suffixLengths: readonly number[];
  /** Rules that match when the value could not be learnt. */
  readonly unreadable: readonly number[];
}

/** Literal ends are cut to one of these lengths, so that a look-up tries few of them whatever the rules say. */
const LENGTHS = [64, 48, 40, 32, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 3, 2, 1];

const KINDS = ['exact', 'parents', 'prefixes', 'suffixes'] as const;
type Kind = (typeof KINDS)[number];

interface Key {
  readonly kind: Kind;
  readonly text: string;
  /** Tells keys of all fields apart. */
  readonly name: string;
}

export function buildRuleIndex(rules: readonly Indexable[]): RuleIndex {
  const candidates = rules.map(({ matchers }) =>
    matchers.filter(isAnchored).map(({ field, anchors }) => ({ field, keys: keysOf(field, anchors) })),
  );
  const usage = countKeys(candidates);
  const always: number[] = [];
  const builders = new Map<number, Builder>();
  rules.forEach((rule, number) => {
    const chosen = mostSelective(candidates[number] ?? [], usage);
    if (chosen === undefined) {
      always.push(number);
      return;
    }
    const builder = builders.get(chosen.field) ?? new Builder(chosen.field);
    builders.set(chosen.field, builder);
    builder.add(chosen.keys, number, rule.matchesUnreadable);
  });
  return Object.freeze({
    byField: Object.freeze([...builders.values()].map((builder) => builder.build())),
    always: Object.freeze(always),
  });
}

/** The number of the first rule that matches; -1 when there is none. */
export function firstMatch(index: RuleIndex, rules: readonly Indexable[], facts: Facts): number {
  const search: Search = { rules, facts, best: NONE };
  for (const field of index.byField) {
    const value = facts.get(field.field);
    if (value === undefined) continue;
    if (typeof value === 'string') searchText(field, value, search);
    else if (typeof value === 'object' && value !== null) {
      for (const one of value) searchText(field, one, search);
    } else searchList(field.unreadable, search);
  }
  searchList(index.always, search);
  return search.best === NONE ? -1 : search.best;
}

/** The numbers of all rules that match, in order. */
export function allMatches(index: RuleIndex, rules: readonly Indexable[], facts: Facts): number[] {
  const found = new Set<number>();
  const collect = (list: readonly number[]) => {
    for (const number of list) if (holds(rules[number], facts)) found.add(number);
  };
  for (const field of index.byField) {
    const value = facts.get(field.field);
    if (typeof value === 'string') eachList(field, value, collect);
    else if (typeof value === 'object' && value !== null)
      for (const one of value) eachList(field, one, collect);
    else if (value !== undefined) collect(field.unreadable);
  }
  collect(index.always);
  return [...found].sort((a, b) => a - b);
}

const NONE = Number.MAX_SAFE_INTEGER;

interface Search {
  readonly rules: readonly Indexable[];
  readonly facts: Facts;
  best: number;
}

function holds(rule: Indexable | undefined, facts: Facts): boolean {
  return rule !== undefined && matchersHold(rule.matchers, facts, rule.matchesUnreadable);
}

function searchList(list: readonly number[] | undefined, search: Search): void {
  if (list === undefined) return;
  for (const number of list) {
    if (number >= search.best) return;
    if (holds(search.rules[number], search.facts)) {
      search.best = number;
      return;
    }
  }
}

/** {@link eachList} written out for the hot path, which must not make a closure. */
function searchText(field: FieldIndex, value: string, search: Search): void {
  searchList(field.exact.get(value), search);
  const { parents, prefixes, prefixLengths, suffixes, suffixLengths } = field;
  if (prefixLengths.length > 0) {
    let [hash, done] = [HASH_START, 0];
    for (const length of prefixLengths) {
      if (length > value.length) break;
      while (done < length) hash = hashStep(hash, value.charCodeAt(done++));
      searchList(prefixes.get(hash), search);
    }
  }
  if (suffixLengths.length > 0) {
    let [hash, done] = [HASH_START, 0];
    for (const length of suffixLengths) {
      if (length > value.length) break;
      while (done < length) hash = hashStep(hash, value.charCodeAt(value.length - ++done));
      searchList(suffixes.get(hash), search);
    }
  }
  if (parents.size > 0) {
    let hash = HASH_START;
    for (let at = value.length - 1; at >= 0; at--) {
      const code = value.charCodeAt(at);
      if (code === DOT) searchList(parents.get(hash), search);
      hash = hashStep(hash, code);
    }
  }
}

function eachList(field: FieldIndex, value: string, visit: (list: readonly number[]) => void): void {
  visit(field.exact.get(value) ?? EMPTY);
  for (let dot = value.indexOf('.'); dot !== -1; dot = value.indexOf('.', dot + 1)) {
    visit(field.parents.get(hashBackwards(value.slice(dot + 1))) ?? EMPTY);
  }
  for (const length of field.prefixLengths) {
    visit(field.prefixes.get(hashForwards(value.slice(0, length))) ?? EMPTY);
  }
  for (const length of field.suffixLengths) {
    visit(field.suffixes.get(hashBackwards(value.slice(-length))) ?? EMPTY);
  }
}

const DOT = 46;

/** FNV-1a over UTF-16 units. Not for security: what collides is only tried in vain. */
const HASH_START = 0x811c9dc5 | 0;

function hashStep(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

function hashForwards(text: string): number {
  let hash = HASH_START;
  for (let at = 0; at < text.length; at++) hash = hashStep(hash, text.charCodeAt(at));
  return hash;
}

function hashBackwards(text: string): number {
  let hash = HASH_START;
  for (let at = text.length - 1; at >= 0; at--) hash = hashStep(hash, text.charCodeAt(at));
  return hash;
}

const EMPTY: readonly number[] = [];

type Anchored = Matcher & { readonly field: number; readonly anchors: Anchors };

function isAnchored(matcher: Matcher): matcher is Anchored {
  return matcher.field !== undefined && matcher.anchors !== undefined;
}

/** One condition that a rule could be filed under. */
interface Candidate {
  readonly field: number;
  readonly keys: readonly Key[];
}

function keysOf(field: number, anchors: Anchors): Key[] {
  return KINDS.flatMap((kind) =>
    anchors[kind].map((whole): Key => {
      const text = cut(kind, whole);
      return { kind, text, name: `${field} ${kind} ${text}` };
    }),
  );
}

function cut(kind: Kind, text: string): string {
  if (kind === 'exact' || kind === 'parents') return text;
  const length = LENGTHS.find((one) => one <= text.length) ?? 1;
  return kind === 'prefixes' ? text.slice(0, length) : text.slice(-length);
}

/** How many rules could be filed under each key. */
function countKeys(candidates: readonly (readonly Candidate[])[]): Map<string, number> {
  const usage = new Map<string, number>();
  for (const { keys } of candidates.flat()) {
    for (const { name } of keys) usage.set(name, (usage.get(name) ?? 0) + 1);
  }
  return usage;
}

function mostSelective(
  candidates: readonly Candidate[],
  usage: ReadonlyMap<string, number>,
): Candidate | undefined {
  let best: Candidate | undefined;
  let bestUsage = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const own = candidate.keys.reduce((most, { name }) => Math.max(most, usage.get(name) ?? 0), 0);
    if (own < bestUsage) [best, bestUsage] = [candidate, own];
  }
  return best;
}

class Builder {
  readonly #field: number;
  readonly #exact = new Map<string, number[]>();
  readonly #hashed = {
    parents: new Map<number, number[]>(),
    prefixes: new Map<number, number[]>(),
    suffixes: new Map<number, number[]>(),
  };
  readonly #lengths = {
    parents: new Set<number>(),
    prefixes: new Set<number>(),
    suffixes: new Set<number>(),
  };
  readonly #unreadable: number[] = [];

  constructor(field: number) {
    this.#field = field;
  }

  add(keys: readonly Key[], rule: number, matchesUnreadable: boolean): void {
    for (const { kind, text } of keys) {
      if (kind === 'exact') {
        append(this.#exact, text, rule);
      } else {
        append(this.#hashed[kind], kind === 'prefixes' ? hashForwards(text) : hashBackwards(text), rule);
        this.#lengths[kind].add(text.length);
      }
    }
    if (matchesUnreadable) this.#unreadable.push(rule);
  }

  build(): FieldIndex {
    return Object.freeze({
      field: this.#field,
      exact: this.#exact,
      ...this.#hashed,
      prefixLengths: ascending(this.#lengths.prefixes),
      suffixLengths: ascending(this.#lengths.suffixes),
      unreadable: Object.freeze(this.#unreadable),
    });
  }
}

function append<Name>(map: Map<Name, number[]>, key: Name, rule: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [rule]);
  else if (list.at(-1) !== rule) list.push(rule);
}

function ascending(lengths: ReadonlySet<number>): readonly number[] {
  return Object.freeze([...lengths].sort((a, b) => a - b));
}
