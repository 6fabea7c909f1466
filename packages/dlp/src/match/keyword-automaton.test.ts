import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeywordAutomaton } from './keyword-automaton.ts';

function occurrences(keywords: readonly string[], text: string): string[] {
  const found: string[] = [];
  new KeywordAutomaton(keywords).search(text, (keyword, end) => found.push(`${keyword}@${end}`));
  return found.sort();
}

function naive(keywords: readonly string[], text: string): string[] {
  const lower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return keywords
    .flatMap((keyword, index) =>
      Array.from({ length: text.length + 1 }, (_, end) => end)
        .filter((end) => end >= keyword.length && lower.slice(end - keyword.length, end) === keyword)
        .map((end) => `${index}@${end}`),
    )
    .sort();
}

test('reports every occurrence, overlapping and nested ones too, as a naive search does', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '_', '9'), minLength: 1, maxLength: 4 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', '_', '9', 'é', ' '), maxLength: 60 });
  fc.assert(
    fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 6 }), text, (keywords, haystack) => {
      expect(occurrences(keywords, haystack)).toEqual(naive(keywords, haystack));
    }),
  );
});

test('a character outside ASCII is never folded into a keyword', () => {
  expect(occurrences(['key'], '\u212Aey')).toEqual([]);
});

test('keywords that the search could never meet are refused', () => {
  expect(() => new KeywordAutomaton(['Key'])).toThrow(/lower case ASCII/);
});
