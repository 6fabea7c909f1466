import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';

describe('admission', () => {
  it('lets a few streams in at once and turns the next away', () => {
    const admission = new Admission(15, () => 0);
    expect([admission.admit(), admission.admit(), admission.admit()]).toEqual([0, 0, 0]);
    expect(admission.admit()).toBeGreaterThan(0);
  });

  it('lets more in as time passes', () => {
    let now = 0;
    const admission = new Admission(10, () => now);
    while (admission.admit() === 0);
    now = 125;
    expect(admission.admit()).toBe(0);
    expect(admission.admit()).toBeGreaterThan(0);
  });

  it('lets no more in than its setting says, in any second, whenever streams come', () => {
    const arrivals = fc.array(fc.nat(200), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), arrivals, (perSecond, pauses) => {
        let now = 0;
        const admission = new Admission(perSecond, () => now);
        const admitted: number[] = [];
        for (const pause of pauses) {
          now += pause;
          if (admission.admit() === 0) admitted.push(now);
        }
        for (const [index, from] of admitted.entries()) {
          const within = admitted.slice(index).filter((at) => at < from + 1_000);
          expect(within.length).toBeLessThanOrEqual(perSecond);
        }
      }),
    );
  });

  it('spreads a thousand refused over the time it takes to serve them', () => {
    const admission = new Admission(100, () => 0);
    const waits = Array.from({ length: 1_020 }, () => admission.admit()).filter((wait) => wait > 0);
    expect(waits).toHaveLength(1_000);
    const late = waits.filter((wait) => wait > 3_000);
    expect(late.length).toBeGreaterThan(100);
    expect(Math.max(...waits)).toBeLessThanOrEqual(12_751);
  });
});
