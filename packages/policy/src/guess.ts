import type { PolicySnapshot } from './compile.ts';
import type { CompiledRule } from './compile-section.ts';
import { Facts } from './facts.ts';
import { fieldNumber } from './field.ts';
import type { Matcher } from './matcher.ts';
import type { DataFinding } from './request.ts';
import { type Opinion, strictness } from './verdict.ts';

/** Of detectors that recognise names and addresses; no detector of a document begins like this. */
const GUESSES = 'entity-';

const FINDING_FIELDS: readonly (number | undefined)[] = [
  fieldNumber('data.class'),
  fieldNumber('data.detector'),
];

/** Whether a condition is about what was found. */
export function isAboutFindings({ field }: Matcher): boolean {
  return field !== undefined && FINDING_FIELDS.includes(field);
}

/** Whether a rule says by name what it is for: `classes: [person]`, not `classes: ['*']` and not no classes at all. */
export function namesFindings(matchers: readonly Matcher[]): boolean {
  return matchers.some(
    ({ name, wanted }) =>
      (name === 'classes' || name === 'detectors') && wanted.every((pattern) => !/^\*+$/.test(pattern)),
  );
}

/**
 * What is said about one finding. Recognisers of names guess, and are wrong too often for a default, or a rule for
 * everything, to stop work over it: what was guessed is at most recorded unless a rule names its class or detector.
 *
 * @param rule that speaks; undefined: the default of the section does
 */
export function aboutGuess(
  opinion: Opinion,
  rule: Pick<CompiledRule, 'namesFindings'> | undefined,
  finding: DataFinding | undefined,
): Opinion {
  if (rule?.namesFindings === true || finding?.detector.startsWith(GUESSES) !== true) return opinion;
  const { mode, layer, rule: id, reason, section } = opinion;
  const alert: Opinion = {
    outcome: 'ALLOW',
    obligation: 'alert',
    mode,
    layer,
    rule: id,
    reason: `${reason} This was guessed, and no rule names it: it is recorded and passes.`,
    ...(section === undefined ? {} : { section }),
  };
  return strictness(opinion) > strictness(alert) ? alert : opinion;
}

/**
 * Whether some rule names such a finding and does more than let it pass, so that it is worth looking for. Cheap
 * compared with looking; the answer is the same as long as the policy is.
 */
export function asksAbout(snapshot: PolicySnapshot, direction: 'out' | 'in', finding: DataFinding): boolean {
  const action = `data.${direction}` as const;
  const facts = new Facts({ action, findings: [finding] }, undefined);
  for (const { rules } of snapshot.plans[action]) {
    for (const { matchers, namesFindings: isNamed, opinion, exceptions } of rules) {
      const about = matchers.filter(isAboutFindings);
      if (!isNamed || !about.every((matcher) => matcher.test(facts) === 'yes')) continue;
      if (strictness(opinion) > 0) return true;
      // It lets every such finding pass: no rule behind it is asked.
      if (about.length === matchers.length && exceptions.length === 0) break;
    }
  }
  return false;
}
