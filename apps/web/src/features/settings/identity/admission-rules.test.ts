import { AdmissionRule } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { IDENTITY_CLASSES } from '../../identity/identity-class.ts';
import { type Admission, changedClasses, describeAdmissionChange } from './admission-rules.ts';

const everything: Admission = { hardware: 'admit', virtual: 'admit', unverified: 'admit', software: 'admit' };

describe('a change of the admission rules', () => {
  it('is nothing when each rule stays', () => {
    expect(changedClasses(everything, { ...everything })).toEqual([]);
    expect(describeAdmissionChange(everything, { ...everything })).toEqual([]);
  });

  it('is described for each class it concerns, strongest first', () => {
    const after: Admission = { ...everything, software: 'refuse', unverified: 'approve' };
    expect(describeAdmissionChange(everything, after)).toEqual([
      'A device with an unverified TPM identity enrols, and waits until an administrator approves it.',
      'A device with a software identity cannot enrol any more, also with a valid token.',
    ]);
  });

  it.each(IDENTITY_CLASSES.flatMap((name) => AdmissionRule.options.map((rule) => ({ name, rule }))))(
    'to $rule for $name has a sentence exactly when it is a change',
    ({ name, rule }) => {
      const sentences = describeAdmissionChange(everything, { ...everything, [name]: rule });
      expect(sentences).toHaveLength(rule === 'admit' ? 0 : 1);
    },
  );
});
