import { describe, expect, test } from 'vitest';
import { createScanner } from '../detect/create-scanner.ts';
import { exampleOfFormat } from '../detect/format.ts';
import { DETECTORS } from './all.ts';

const scanner = createScanner();
const credentials = DETECTORS.filter(({ category }) => category === 'credential');

test('more than 150 kinds of credentials, each with an id and examples of its own', () => {
  expect(new Set(DETECTORS.map(({ id }) => id)).size).toBe(DETECTORS.length);
  expect(credentials.length).toBeGreaterThan(150);
  for (const { id, examples } of credentials) {
    expect(examples.bad.length, id).toBeGreaterThan(0);
    expect(examples.good.length, id).toBeGreaterThan(0);
  }
});

test('no pattern repeats without bound, and no bounded repetition is repeated', () => {
  for (const { id, pattern } of DETECTORS) {
    expect(pattern.replace(/\[(?:\\.|[^\]\\])*\]|\\./g, ''), id).not.toMatch(/[*+](?!\+)|\{\d+,\}/);
  }
});

describe.each(DETECTORS.map((detector) => [detector.id, detector] as const))(
  '%s',
  (id, { examples, category }) => {
    test.each(examples.bad)('finds %s', (format) => {
      for (const seed of [1, 2, 3]) {
        const text = exampleOfFormat(format, seed);
        const found = scanner
          .scan(text)
          .some((finding) => finding.category === category || finding.category === 'credential');
        expect(found, `${id}: ${format}`).toBe(true);
      }
    });

    if (examples.good.length > 0)
      test.each(examples.good)('says nothing about %s', (format) => {
        for (const seed of [1, 2, 3])
          expect(scanner.scan(exampleOfFormat(format, seed)).map(({ detector }) => detector)).not.toContain(
            id,
          );
      });
  },
);
