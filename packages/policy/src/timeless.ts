import type { PolicySnapshot } from './compile.ts';
import type { SectionPlan } from './compile-section.ts';
import { type FieldName, fieldNumber } from './field.ts';
import type { Matcher } from './matcher.ts';
import type { Action } from './request.ts';

/** Facts that change by themselves, while an AI agent does the same thing again. */
const PASSING = new Set(
  (['agent.trust', 'cost', 'spent.hour', 'spent.day', 'spent.month'] satisfies FieldName[]).map(fieldNumber),
);

const known = new WeakMap<PolicySnapshot, Map<Action, boolean>>();

/**
 * Whether the same question about this action has the same answer as long as this policy is in force: no rule for
 * it looks at the clock, at money or at trust, and none has an exception, which ends one day. Then an answer may be
 * remembered.
 */
export function isTimeless(snapshot: PolicySnapshot, action: Action): boolean {
  const answers = known.get(snapshot) ?? new Map<Action, boolean>();
  known.set(snapshot, answers);
  const answer = answers.get(action) ?? examine(snapshot, action);
  answers.set(action, answer);
  return answer;
}

function examine(snapshot: PolicySnapshot, action: Action): boolean {
  if (action === 'model.call' && snapshot.layers.some(({ financial }) => financial !== undefined))
    return false;
  return snapshot.plans[action].every(isPlanTimeless);
}

function isPlanTimeless({ rules, fallback }: SectionPlan): boolean {
  return (
    (fallback?.exceptions.length ?? 0) === 0 &&
    rules.every(({ matchers, exceptions }) => exceptions.length === 0 && !matchers.some(isPassing))
  );
}

function isPassing(matcher: Matcher): boolean {
  return isWindow(matcher) || PASSING.has(matcher.field ?? -1);
}

/** What is no field is a time window. */
function isWindow({ field }: Matcher): boolean {
  return field === undefined;
}

const clockless = new WeakMap<PolicySnapshot, boolean>();

/**
 * Whether the same question about the call of a model, its cost and balances included, has the same answer whenever it
 * is asked, and names the same limits: nothing about such calls looks at the clock or ends one day, and none is sent to
 * another model.
 */
export function isClockless(snapshot: PolicySnapshot): boolean {
  const answer = clockless.get(snapshot) ?? examineCalls(snapshot);
  clockless.set(snapshot, answer);
  return answer;
}

function examineCalls({ layers, plans }: PolicySnapshot): boolean {
  const isSteady = plans['model.call'].every(
    ({ rules, fallback }) =>
      (fallback?.exceptions.length ?? 0) === 0 &&
      rules.every(({ matchers, exceptions }) => exceptions.length === 0 && !matchers.some(isWindow)),
  );
  return (
    isSteady &&
    layers.every(
      ({ financial, routing }) =>
        routing === undefined && (financial?.limits ?? []).every(({ matchers }) => !matchers.some(isWindow)),
    )
  );
}
