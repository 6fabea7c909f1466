import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fits, misread, misreadInWords, oneOfThese } from './misread.ts';

const find = (query: string) => {
  const parameters = new URLSearchParams(query);
  return misread((name) => parameters.get(name) ?? '', {
    outcome: oneOfThese(['ALLOW', 'DENY']),
    from: fits(z.iso.datetime()),
  });
};

describe('filters of an address', () => {
  it.each(['', 'outcome=', 'outcome=DENY', 'outcome=ALLOW&from=2026-11-20T10:00:00.000Z', 'other=x'])(
    'are all understood in "%s"',
    (query) => {
      expect(find(query)).toEqual([]);
    },
  );

  it.each([
    ['outcome=MAYBE', [{ name: 'outcome', value: 'MAYBE' }]],
    ['outcome=deny', [{ name: 'outcome', value: 'deny' }]],
    [
      'from=yesterday&outcome=ALLOW,DENY',
      [
        { name: 'outcome', value: 'ALLOW,DENY' },
        { name: 'from', value: 'yesterday' },
      ],
    ],
  ])('are named where they are not, as in "%s"', (query, found) => {
    expect(find(query)).toEqual(found);
  });

  it('are told in words, and never at any length', () => {
    expect(misreadInWords({ name: 'outcome', value: 'MAYBE' })).toBe('“MAYBE” is not a valid outcome.');
    expect(misreadInWords({ name: 'from', value: 'yesterday' })).toBe(
      '“yesterday” is not a valid start of the time.',
    );
    expect(misreadInWords({ name: 'state', value: 'x'.repeat(5_000) }).length).toBeLessThan(120);
  });
});
