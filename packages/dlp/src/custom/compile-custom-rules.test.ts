import { expect, test } from 'vitest';
import { createScanner } from '../detect/create-scanner.ts';
import { quickestMs } from '../quickest-ms.test-support.ts';
import type { CustomRule } from './custom-rule.ts';
import { fingerprintDocument } from './fingerprint-document.ts';

const found = (rule: CustomRule, text: string): string[] =>
  createScanner({ detectors: [], unknownSecrets: false, custom: [rule] })
    .scan(text)
    .map(({ start, end }) => text.slice(start, end));

test('a pattern that stalls a backtracking engine is linear here', () => {
  const rule = { kind: 'pattern', id: 'bait', severity: 'low', pattern: '(a+)+$' } as const;
  expect(quickestMs(() => found(rule, `${'a'.repeat(20_000)}!`))).toBeLessThan(5_000);
});

test('a pattern with keywords is found near one of them, whatever its case, and nowhere else', () => {
  const rule = {
    kind: 'pattern',
    id: 'global/staff-number',
    severity: 'low',
    category: 'person',
    pattern: 'N-[0-9]{4}',
    keywords: ['employee', 'Überflieger'],
  } as const;
  expect(found(rule, 'Employee N-1234, order N-5678 and N-9999')).toEqual(['N-1234', 'N-5678', 'N-9999']);
  expect(found(rule, 'the überflieger: N-1234')).toEqual(['N-1234']);
  expect(found(rule, `N-1234 ${'.'.repeat(80)} employee`)).toEqual(['N-1234']);
  expect(found(rule, `N-1234 ${'.'.repeat(120)} employee`)).toEqual([]);
  expect(found(rule, 'order N-1234, unemployeed')).toEqual([]);
  expect(createScanner({ detectors: [], custom: [rule] }).scan('employee N-1234')[0]?.category).toBe(
    'person',
  );
});

test('a wide pattern does not hide what is found inside it, and a narrow one leaves no rest of it behind', () => {
  const key = ['sk', 'proj', 'Ab3dE5gH7jK9mN1pQ3sT5vW7'.repeat(2)].join('-');
  const wide = { kind: 'pattern', id: 'local/all', severity: 'low', pattern: '.{1,300}' } as const;
  const narrow = { kind: 'pattern', id: 'local/start', severity: 'low', pattern: 'sk-proj' } as const;
  const text = `use ${key} now`;
  const seen = (rules: readonly CustomRule[]) =>
    createScanner({ custom: rules })
      .scan(text)
      .map(({ detector, start, end, alsoFound = [] }) => ({
        all: [detector, ...alsoFound.map((one) => one.detector)].toSorted(),
        hasKey: text.slice(start, end).includes(key),
      }));
  expect(seen([])).toEqual([{ all: ['openai-api-key'], hasKey: true }]);
  expect(seen([wide])).toEqual([{ all: ['local/all', 'openai-api-key'], hasKey: true }]);
  expect(seen([narrow])).toEqual([{ all: ['local/start', 'openai-api-key'], hasKey: true }]);
  expect(seen([wide, narrow])).toEqual([
    { all: ['local/all', 'local/start', 'openai-api-key'], hasKey: true },
  ]);
});

test('very many matches and keywords do not multiply', () => {
  const keywords = Array.from({ length: 500 }, (_, n) => `word${n}`);
  const rule = { kind: 'pattern', id: 'letter', severity: 'low', pattern: 'a', keywords } as const;
  const text = 'a '.repeat(50_000) + keywords.join(' ');
  expect(quickestMs(() => found(rule, text))).toBeLessThan(5_000);
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
