import { describe, expect, it } from 'vitest';
import { stateWords } from './export-words.ts';

describe('the state of an export', () => {
  it.each([
    [{ status: 'idle', behind: 0, failure: null }, 'Up to date', undefined],
    [{ status: 'sending', behind: 1_204, failure: null }, 'Behind by 1,204', undefined],
    [
      { status: 'failing', behind: 1, failure: '403 Invalid token' },
      'Failing',
      '403 Invalid token · 1 entry waits',
    ],
    [{ status: 'failing', behind: 0, failure: '503' }, 'Failing', '503'],
    [{ status: 'off', behind: 2, failure: null }, 'Off', '2 entries wait'],
  ] as const)('%j is %s', (state, label, detail) => {
    expect(stateWords(state)).toMatchObject({ label, detail });
  });
});
