import { type Comparison, compileCondition } from './condition.ts';
import type { Facts, MatchResult } from './facts.ts';
import { FIELDS, type Field, type FieldName, fieldNumber, shownValue } from './field.ts';
import { type Anchors, compilePatterns } from './pattern-set.ts';
import type { When } from './schema-when.ts';
import { compileWindow, type TimeWindow } from './time-window.ts';

/** One condition of a rule. */
export interface Matcher {
  /** As the document calls it: `models`, `agents.users`, `when.agent.trust`. */
  readonly name: string;
  readonly wanted: readonly string[];
  /** Number of the field it is about; absent for what is not a field. */
  readonly field?: number;
  readonly anchors?: Anchors | undefined;
  test(facts: Facts): MatchResult;
  /** The value that was compared; `null` when it is unreadable, `undefined` when there is none. */
  actual(facts: Facts): string | readonly string[] | null | undefined;
}

/** The keys that rules of all sections share; each rule has those of its section. */
export interface Matchable {
  readonly destinations?: readonly string[] | undefined;
  readonly actions?: readonly string[] | undefined;
  readonly agents?: Readonly<Record<string, readonly string[] | undefined>> | undefined;
  readonly times?: readonly TimeWindow[] | undefined;
  readonly when?: When | undefined;
  readonly below?: number | undefined;
}

/** Short forms, cheapest first: a list of patterns under a key of its own. */
const SHORT_FORMS: readonly (readonly [key: string, field: FieldName])[] = [
  ['destinations', 'host'],
  ['providers', 'provider'],
  ['models', 'model'],
  ['paths', 'path'],
  ['commands', 'command'],
  ['arguments', 'argument'],
  ['device_classes', 'device.class'],
  ['servers', 'tool.server'],
  ['tools', 'tool'],
  ['ecosystems', 'package.ecosystem'],
  ['packages', 'package'],
  ['classes', 'data.class'],
  ['detectors', 'data.detector'],
  ['identities', 'device.identity'],
];
const AGENT_FORMS: readonly (readonly [key: string, field: FieldName])[] = [
  ['ids', 'agent.id'],
  ['users', 'agent.user'],
  ['names', 'agent.name'],
  ['libraries', 'agent.library'],
  ['teams', 'agent.team'],
  ['labels', 'agent.label'],
];

/**
 * The conditions of a rule, all of which must hold.
 *
 * @param timezone of the document
 */
export function compileMatchers(rule: Matchable, timezone: string): readonly Matcher[] {
  const matchers: Matcher[] = [];
  for (const [key, field] of SHORT_FORMS) {
    const patterns = patternsAt(rule, key);
    if (patterns !== undefined) matchers.push(patternMatcher(key, field, patterns));
  }
  if (rule.below !== undefined) {
    matchers.push(
      ...fieldMatchers('below', 'agent.trust', compileCondition(fieldOf('agent.trust'), { lt: rule.below })),
    );
  }
  for (const [key, field] of AGENT_FORMS) {
    const patterns = rule.agents?.[key];
    if (patterns !== undefined) matchers.push(patternMatcher(`agents.${key}`, field, patterns));
  }
  for (const { name } of FIELDS) {
    const condition = rule.when?.[name];
    if (condition === undefined) continue;
    matchers.push(...fieldMatchers(`when.${name}`, name, compileCondition(fieldOf(name), condition)));
  }
  if (rule.times !== undefined) matchers.push(timeMatcher(rule.times, timezone));
  return Object.freeze(matchers);
}

/** Whether all conditions hold; facts that could not be learnt count for rules that restrict. */
export function matchersHold(
  matchers: readonly Matcher[],
  facts: Facts,
  matchesUnreadable: boolean,
): boolean {
  for (const matcher of matchers) {
    const result = matcher.test(facts);
    if (result === 'no' || (result === 'unreadable' && !matchesUnreadable)) return false;
  }
  return true;
}

function patternsAt(rule: Matchable, key: string): readonly string[] | undefined {
  const value: unknown = Reflect.get(rule, key);
  // What stands under these keys went through the schema: lists of texts.
  return Array.isArray(value) ? (value as readonly string[]) : undefined;
}

function fieldOf(name: FieldName): Field {
  return FIELDS[fieldNumber(name)] ?? FIELDS[0];
}

function patternMatcher(name: string, fieldName: FieldName, patterns: readonly string[]): Matcher {
  const { holds, anchors } = compilePatterns(fieldOf(fieldName), patterns);
  return fieldMatcher(name, fieldName, [...patterns], anchors, (value) =>
    typeof value === 'string' ? holds(value) : undefined,
  );
}

function fieldMatchers(name: string, field: FieldName, comparisons: readonly Comparison[]): Matcher[] {
  return comparisons.map(({ text, anchors, holds }) => fieldMatcher(name, field, [text], anchors, holds));
}

function fieldMatcher(
  name: string,
  fieldName: FieldName,
  wanted: readonly string[],
  anchors: Anchors | undefined,
  holds: Comparison['holds'],
): Matcher {
  const field = fieldNumber(fieldName);
  return Object.freeze({
    name,
    wanted: Object.freeze(wanted),
    field,
    anchors,
    test(facts: Facts): MatchResult {
      const value = facts.get(field);
      if (value === undefined) return 'no';
      if (value === null) return 'unreadable';
      if (typeof value !== 'object') return toResult(holds(value));
      let result: MatchResult = 'no';
      for (const one of value) {
        const held = holds(one);
        if (held === true) return 'yes';
        if (held === undefined) result = 'unreadable';
      }
      return result;
    },
    actual: (facts: Facts) => shownValue(facts.get(field)),
  });
}

function toResult(holds: boolean | undefined): MatchResult {
  if (holds === undefined) return 'unreadable';
  return holds ? 'yes' : 'no';
}

function timeMatcher(times: readonly TimeWindow[], timezone: string): Matcher {
  const windows = times.map((window) => compileWindow(window, timezone));
  return Object.freeze({
    name: 'times',
    wanted: Object.freeze(windows.map(({ text }) => text)),
    test: (facts: Facts): MatchResult => (windows.some((window) => window.holds(facts.at)) ? 'yes' : 'no'),
    actual: (facts: Facts) => new Date(facts.at).toISOString(),
  });
}
