import type { PolicySnapshot } from './compile.ts';
import type { CompiledRule, SectionPlan } from './compile-section.ts';
import { Facts } from './facts.ts';
import { type FieldName, fieldNumber } from './field.ts';
import type { PolicyLayer } from './layer.ts';
import { type Matcher, matchersHold } from './matcher.ts';
import { expandHome } from './path-glob.ts';
import type { ActionRequest } from './request.ts';
import type { PolicyMode } from './schema.ts';
import type { RuleSection } from './section.ts';
import type { Opinion } from './verdict.ts';

/** The actions that are about a thing on the machine: a file, a program, a device. */
export const MACHINE_ACTIONS = [
  'file.read',
  'file.write',
  'file.delete',
  'process.exec',
  'device.open',
] as const;
export type MachineAction = (typeof MACHINE_ACTIONS)[number];

/** Everything about an action but the thing that is acted on. */
export interface ActingAgent {
  readonly agent: ActionRequest['agent'];
  readonly identity: ActionRequest['identity'];
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What one section of one layer says about one action of one AI agent, depending on the thing alone. */
export interface Residual {
  readonly section: RuleSection;
  readonly layer: PolicyLayer;
  readonly mode: PolicyMode;
  /** In order; the first that fits the thing decides. */
  readonly rules: readonly ResidualRule[];
  /** Undefined: the section has no opinion where no rule fits. */
  readonly fallback: ResidualRule | undefined;
}

export interface ResidualRule {
  readonly id: string;
  readonly outcome: Opinion['outcome'];
  /** Of `PROMPT`: what holds when nobody answers. */
  readonly onTimeout: Opinion['onTimeout'];
  readonly reason: string;
  /** Patterns as documents write them, homes written out; undefined: any. */
  readonly paths: readonly string[] | undefined;
  readonly commands: readonly string[] | undefined;
  readonly deviceClasses: readonly string[] | undefined;
  /** Names of conditions about the thing that are no such pattern, as `arguments` or `when.path`. */
  readonly others: readonly string[];
}

/** What a rule can ask about the thing. Whatever is not in here is known beforehand. */
const OF_THE_THING: readonly FieldName[] = ['path', 'command', 'command.line', 'argument', 'device.class'];
const THING_FIELDS = new Set(OF_THE_THING.map(fieldNumber));

/**
 * Evaluates a policy as far as it goes without the thing that is acted on, so that an enforcer that cannot evaluate
 * conditions (a kernel) can hold to the rest. Decides as `decide` does: whatever the thing is, the first rule left
 * that fits it is the one `decide` would have found.
 */
export function residualRules(
  snapshot: PolicySnapshot,
  action: MachineAction,
  acting: ActingAgent,
): Residual[] {
  const facts = new Facts({ action, ...acting }, undefined);
  return snapshot.plans[action].flatMap((plan) => residualOf(plan, facts) ?? []);
}

function residualOf({ section, rules, fallback }: SectionPlan, facts: Facts): Residual | undefined {
  const some = fallback?.opinion ?? rules[0]?.opinion;
  if (some === undefined || some.layer === 'builtin') return undefined;
  const left = rules.flatMap((rule) => residualRule(rule, facts));
  // The exceptions of a default come before it, as rules.
  const [last, ...exceptions] =
    fallback === undefined
      ? []
      : residualRule(
          { ...fallback, id: fallback.opinion.rule, matchers: [], matchesUnreadable: true },
          facts,
        ).toReversed();
  return {
    section,
    layer: some.layer,
    mode: some.mode,
    rules: [...left, ...exceptions.toReversed()],
    fallback: last,
  };
}

type Evaluated = Pick<CompiledRule, 'id' | 'matchers' | 'matchesUnreadable' | 'opinion' | 'exceptions'>;

/** The rule with the exceptions from it before it; nothing when it cannot match. */
function residualRule(rule: Evaluated, facts: Facts): ResidualRule[] {
  const open = openConditions(rule.matchers, facts, rule.matchesUnreadable);
  if (open === undefined) return [];
  const left: ResidualRule[] = [];
  for (const { id, matchers, expires, opinion } of rule.exceptions) {
    const narrower = facts.at < expires ? openConditions(matchers, facts, false) : undefined;
    if (narrower === undefined) continue;
    const permitted = toResidual(id, opinion, narrower);
    if (narrower.length === 0) return [...left, toResidual(id, opinion, open)];
    // Only what is inside the rule is excepted from it.
    left.push(
      isWithin(permitted, toResidual(rule.id, rule.opinion, open)) ? permitted : beyondWords(permitted),
    );
  }
  return [...left, toResidual(rule.id, rule.opinion, open)];
}

/** @returns the conditions about the thing; undefined when one about something else does not hold */
function openConditions(
  matchers: readonly Matcher[],
  facts: Facts,
  matchesUnreadable: boolean,
): Matcher[] | undefined {
  const isOpen = ({ field }: Matcher): boolean => field !== undefined && THING_FIELDS.has(field);
  const known = matchers.filter((matcher) => !isOpen(matcher));
  if (!matchersHold(known, facts, matchesUnreadable)) return undefined;
  const open = matchers.filter(isOpen);
  return open.every((matcher) => concerns(matcher, facts.request.action)) ? open : undefined;
}

/** A rule about paths has nothing to say about programs, and the other way round. */
function concerns({ field }: Matcher, action: string): boolean {
  if (field === fieldNumber('path')) return action !== 'process.exec';
  if (field === fieldNumber('device.class')) return action === 'device.open';
  return action === 'process.exec';
}

function toResidual(id: string, opinion: Opinion, open: readonly Matcher[]): ResidualRule {
  const { outcome, onTimeout, reason } = opinion;
  const patterns = (name: string) => open.find((matcher) => matcher.name === name)?.wanted;
  return Object.freeze({
    id,
    outcome,
    onTimeout,
    reason,
    paths: patterns('paths')?.flatMap(expandHome),
    commands: patterns('commands'),
    deviceClasses: patterns('device_classes'),
    others: open.flatMap(({ name }) => (PATTERN_LISTS.has(name) ? [] : [name])),
  });
}

const PATTERN_LISTS = new Set(['paths', 'commands', 'device_classes']);

function isWithin(inner: ResidualRule, outer: ResidualRule): boolean {
  if (inner.others.length > 0 || outer.others.length > 0) return false;
  return (['paths', 'commands', 'deviceClasses'] as const).every((key) => {
    const allowed = outer[key];
    return allowed === undefined || (inner[key]?.every((pattern) => allowed.includes(pattern)) ?? false);
  });
}

/** Both would have to hold at once, which lists of patterns cannot say. */
function beyondWords(rule: ResidualRule): ResidualRule {
  return { ...rule, others: [...rule.others, 'the rule that it is an exception from'] };
}
