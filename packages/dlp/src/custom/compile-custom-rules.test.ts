import { expect, test } from 'vitest';
import { createScanner } from '../detect/create-scanner.ts';
import type { CustomRule } from './custom-rule.ts';
import { fingerprintDocument } from './fingerprint-document.ts';

const found = (rule: CustomRule, text: string): string[] =>
  createScanner({ detectors: [], unknownSecrets: false, custom: [rule] })
    .scan(text)
    .map(({ start, end }) => text.slice(start, end));

test('a pattern that stalls a backtracking engine is linear here', () => {
  const rule = { kind: 'pattern', id: 'bait', severity: 'low', pattern: '(a+)+$' } as const;
  const before = performance.now();
  found(rule, `${'a'.repeat(20_000)}!`);
  expect(performance.now() - before).toBeLessThan(5_000);
});

test('look-around is refused with the name of the rule', () => {
  const rule = { kind: 'pattern', id: 'no-look', severity: 'low', pattern: '(?<=a)b' } as const;
  expect(() => createScanner({ custom: [rule] })).toThrow(/no-look/);
});

test('a dictionary finds whole words, any case, letters of other alphabets too', () => {
  const rule = {
    kind: 'dictionary',
    id: 'names',
    severity: 'high',
    phrases: ['Project Condor', 'ray', 'Überflieger'],
  } as const;
  expect(found(rule, 'PROJECT CONDOR, an array, a ray, überflieger')).toEqual([
    'PROJECT CONDOR',
    'ray',
    'überflieger',
  ]);
});

const letter =
  'The board has decided to sell the northern plant to the second bidder before the end of March, subject to approval.';
const document: CustomRule = {
  kind: 'fingerprint',
  id: 'letter',
  severity: 'critical',
  shingles: fingerprintDocument(letter),
};

test('a quotation is found through other case, spacing and punctuation; a few shared words are not', () => {
  expect(found(document, `fyi: ${letter.toUpperCase().replaceAll(' ', '\n')}`)).toHaveLength(1);
  expect(
    found(
      document,
      'the board said: "decided to sell the northern plant, to the second   bidder before the end" ok',
    ),
  ).toHaveLength(1);
  expect(found(document, 'The board has decided to sell the car before the end of May.')).toEqual([]);
});

test('a fingerprint holds no text', () => {
  expect(document.shingles.every((shingle) => Number.isSafeInteger(shingle))).toBe(true);
});
