import { bundlesOf, tilePath, tilesOf } from '@raypher/ledger';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bundleOf, newBundles, newTiles } from './archive-layout.ts';

const size = fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 0, max: 140_000 }));

it('what is added step by step is what a log of the last size has, and each step writes only what is new', () => {
  fc.assert(
    fc.property(fc.array(size, { minLength: 1, maxLength: 5 }), (sizes) => {
      const steps = sizes.toSorted((left, right) => left - right);
      const written = new Set<string>();
      steps.forEach((to, at) => {
        const from = steps[at - 1] ?? 0;
        for (const tile of newTiles({ from, to })) {
          const path = tilePath(tile);
          expect(written.has(path)).toBe(false);
          written.add(path);
        }
      });
      for (const tile of tilesOf(steps.at(-1) ?? 0))
        expect(written.has(tilePath(tile)), tilePath(tile)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

it('bundles are those of the tiles of level 0', () => {
  fc.assert(
    fc.property(size, (to) => {
      expect([...newBundles({ from: 0, to })]).toEqual([...bundlesOf(to)]);
      if (to > 0) expect(bundleOf(to - 1, to)).toEqual([...bundlesOf(to)].at(-1));
    }),
  );
});
