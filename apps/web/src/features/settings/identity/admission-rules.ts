import type { AdmissionRule, IdentityClass, IdentitySettings } from '@raypher/shared/rest';
import { IDENTITY, IDENTITY_CLASSES } from '../../identity/identity-class.ts';

export type Admission = IdentitySettings['admission'];

export const RULES: Record<AdmissionRule, { label: string; meaning: string }> = {
  admit: { label: 'Admit', meaning: 'may connect at once' },
  approve: { label: 'Approve', meaning: 'waits until an administrator approves it' },
  refuse: { label: 'Refuse', meaning: 'cannot enrol; the token keeps its use' },
};

/** The classes whose rule differs, strongest first. */
export function changedClasses(before: Admission, after: Admission): IdentityClass[] {
  return IDENTITY_CLASSES.filter((identityClass) => before[identityClass] !== after[identityClass]);
}

/**
 * What a change of the rules brings about, one sentence for each class it concerns.
 *
 * @example describeAdmissionChange(before, { ...before, software: 'refuse' })
 * // ["A device with a software identity cannot enrol any more, also with a valid token."]
 */
export function describeAdmissionChange(before: Admission, after: Admission): string[] {
  return changedClasses(before, after).map((identityClass) => {
    const device = `A device with ${article(IDENTITY[identityClass].label)}`;
    return `${device} ${FROM_NOW_ON[after[identityClass]]}`;
  });
}

const FROM_NOW_ON: Record<AdmissionRule, string> = {
  admit: 'connects as soon as it has enrolled with a valid token.',
  approve: 'enrols, and waits until an administrator approves it.',
  refuse: 'cannot enrol any more, also with a valid token.',
};

function article(label: string): string {
  const name = label.charAt(0).toLowerCase() + label.slice(1);
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}
