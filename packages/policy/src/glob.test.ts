import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGlob } from './glob.ts';

describe('globs', () => {
  test.each([
    ['gpt-4*', 'gpt-4', true],
    ['gpt-4*', 'gpt-4o-mini', true],
    ['gpt-4*', 'my-gpt-4', false],
    ['*-mini', 'gpt-4o-mini', true],
    ['*-mini', 'gpt-4o-mini-2', false],
    ['gpt-4', 'gpt-4o', false],
    ['*', '', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*a', 'aba', true],
    ['a*bb*b', 'abb', false],
    ['gpt.4', 'gpt-4', false],
    ['[a-z]', 'a', false],
    ['**', 'anything', true],
  ])('%s against %s is %s', (pattern, value, expected) => {
    expect(compileGlob(pattern)(value)).toBe(expected);
  });

  test('agree with the same pattern as a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 10 });
    fc.assert(
      fc.property(text, text, (pattern, value) => {
        const oracle = new RegExp(`^${pattern.replaceAll('*', '[^]*')}$`);
        expect(compileGlob(pattern)(value)).toBe(oracle.test(value));
      }),
      { numRuns: 2000 },
    );
  });
});
