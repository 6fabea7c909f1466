import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pauseMs, USUAL_PACE } from './export-pace.ts';

const { firstPauseMs, longestPauseMs } = USUAL_PACE;

it('leaves a receiver alone longer each time, up to the longest, and never less than half of that', () => {
  fc.assert(
    fc.property(
      fc.nat(200),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, random) => {
        const pause = pauseMs(USUAL_PACE, failures, undefined, () => random);
        const full = Math.min(firstPauseMs * 2 ** Math.min(failures, 30), longestPauseMs);
        expect(pause).toBeGreaterThanOrEqual(full / 2);
        expect(pause).toBeLessThanOrEqual(full);
      },
    ),
  );
});

it('never comes back before the receiver asks it to, and rarely to what was refused for good', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.nat(3_600_000), fc.boolean(), (failures, retryAfterMs, isPermanent) => {
      const pause = pauseMs(USUAL_PACE, failures, { isPermanent, retryAfterMs });
      expect(pause).toBeGreaterThanOrEqual(retryAfterMs);
      if (isPermanent) expect(pause).toBeGreaterThanOrEqual(longestPauseMs / 2);
    }),
  );
});
