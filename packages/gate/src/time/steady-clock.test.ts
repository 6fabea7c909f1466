import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { steadyClock } from './steady-clock.ts';

function clocks() {
  const at = { wall: 1_000_000, monotonic: 500 };
  return {
    at,
    now: steadyClock(
      () => at.wall,
      () => at.monotonic,
    ),
  };
}

describe('the clock', () => {
  it('goes on when the wall clock is set back', () => {
    const { at, now } = clocks();
    expect(now()).toBe(1_000_000);
    at.wall -= 60_000;
    at.monotonic += 10;
    expect(now()).toBe(1_000_010);
  });

  it('counts time that the machine slept', () => {
    const { at, now } = clocks();
    now();
    at.wall += 3_600_000;
    expect(now()).toBe(4_600_000);
  });

  it('does not stand still after a jump forward was taken back', () => {
    const { at, now } = clocks();
    at.wall += 3_600_000;
    expect(now()).toBe(4_600_000);
    at.wall -= 3_600_000;
    at.monotonic += 30_000;
    expect(now()).toBe(4_630_000);
  });

  it('never goes back and never runs faster than the faster of the two', () => {
    const step = fc.record({
      wall: fc.integer({ min: -1_000, max: 1_000 }),
      monotonic: fc.integer({ min: 0, max: 1_000 }),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { at, now } = clocks();
        let before = now();
        for (const { wall, monotonic } of steps) {
          at.wall += wall;
          at.monotonic += monotonic;
          const time = now();
          expect(time).toBeGreaterThanOrEqual(before + monotonic);
          expect(time).toBeLessThanOrEqual(Math.max(at.wall, before + monotonic));
          before = time;
        }
      }),
    );
  });
});
