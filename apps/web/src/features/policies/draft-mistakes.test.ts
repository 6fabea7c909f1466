import { STARTER_POLICY } from '@raypher/policy';
import { describe, expect, it } from 'vitest';
import { draftMistakes } from './draft-mistakes.ts';

const TEAM = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const VALID = { global: STARTER_POLICY };

describe('what keeps a draft from being deployed', () => {
  it('is nothing where everything can be read, and where a document is empty', () => {
    expect(draftMistakes(VALID, {})).toBeUndefined();
    expect(draftMistakes({ ...VALID, [TEAM]: ' \n' }, { global: '' })).toBeUndefined();
  });

  it('is a mistake in any document, whichever is on screen', () => {
    const broken = STARTER_POLICY.replace('mode: monitor', 'mode: watch');
    expect(draftMistakes({ global: broken }, {})).toBe('The policy has 1 mistake. Correct it first.');
    expect(draftMistakes({ global: broken, [TEAM]: broken }, {})).toBe(
      'The policy has 2 mistakes. Correct them first.',
    );
  });

  it('is a mistake in the tests', () => {
    expect(draftMistakes(VALID, { global: 'tests: 1\n' })).toMatch(/^The tests have \d+ mistakes?\. Correct/);
  });
});
