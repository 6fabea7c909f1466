import { describe, expect, it } from 'vitest';
import { isUntouched, pcrMeaning } from './pcr-meanings.ts';

describe('a platform configuration register', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7])('%i has a meaning of its own', (pcr) => {
    expect(pcrMeaning(pcr)).not.toBe(pcrMeaning(8));
  });

  it('is untouched when it holds its value of the reset, and only then', () => {
    expect(isUntouched('0'.repeat(64))).toBe(true);
    expect(isUntouched('f'.repeat(64))).toBe(true);
    expect(isUntouched(`${'0'.repeat(63)}1`)).toBe(false);
  });
});
