import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linePartPath, lineParts } from './line-parts.ts';

test('parts come in the order of their entries, however they are listed', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 40 }), { minLength: 1, maxLength: 20 }),
      (ends) => {
        const sorted = ends.toSorted((left, right) => left - right);
        const paths = sorted.map((to, at) =>
          linePartPath('batches.ndjson', { from: sorted[at - 1] ?? 0, to }),
        );
        const others = ['batches.ndjson', 'devices/0000000000000000-0000000000000512.ndjson', 'tile/0/000'];
        expect(lineParts('batches.ndjson', [...others, ...paths.toReversed()])).toEqual(paths);
      },
    ),
  );
});

test('a part that is missing, there twice, or named otherwise is found', () => {
  const part = (from: number, to: number) => linePartPath('batches.ndjson', { from, to });
  for (const paths of [
    [part(10, 20)],
    [part(0, 10), part(20, 30)],
    [part(0, 10), part(0, 20)],
    [part(0, 10), part(5, 20)],
    [part(0, 10), part(10, 10)],
    [part(0, 10), 'batches/rest.ndjson'],
  ]) {
    expect(() => lineParts('batches.ndjson', paths)).toThrow(
      expect.objectContaining({ code: 'ledger/malformed' }),
    );
  }
  expect(lineParts('batches.ndjson', [])).toEqual([]);
});
