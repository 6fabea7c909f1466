import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayDetector, type ReplayLimits } from './replay-detector.ts';

const LIMITS: ReplayLimits = { capacity: 6, perOwner: 4, window: 100 };

/** Everything that was ever accepted, looked through from the start each time. */
class NaiveDetector {
  readonly #accepted: { nonce: string; owner: string; until: number }[] = [];

  uses(nonce: string, now: number): number {
    return this.#accepted.filter((use) => use.nonce === nonce && use.until > now).length;
  }

  live(now: number): string[] {
    return [...new Set(this.#accepted.filter(({ until }) => until > now).map(({ nonce }) => nonce))];
  }

  accept(nonce: string, owner: string, expires: number, now: number): void {
    const first = this.#accepted.find((use) => use.nonce === nonce && use.until > now);
    this.#accepted.push({ nonce, owner, until: first?.until ?? expires });
  }
}

const step = fc.record({
  wait: fc.integer({ min: 0, max: 40 }),
  nonce: fc.constantFrom(...'abcdefghij'),
  owner: fc.constantFrom('one', 'two', 'three'),
  lifetime: fc.integer({ min: -5, max: 120 }),
});

describe('the replay detector', () => {
  it('accepts no nonce more often than it may be used before it expires', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200, size: 'max' }),
        fc.integer({ min: 1, max: 3 }),
        (steps, uses) => {
          const detector = new ReplayDetector(LIMITS);
          const naive = new NaiveDetector();
          let now = 1_000;
          for (const { wait, nonce, owner, lifetime } of steps) {
            now += wait;
            const expires = now + lifetime;
            const before = naive.uses(nonce, now);
            const answer = detector.take({ owner, nonce, expires, uses }, now);
            if (lifetime <= 0) expect(answer).toEqual({ fresh: false, fault: 'expired' });
            else if (lifetime > LIMITS.window)
              expect(answer).toEqual({ fresh: false, fault: 'outside-window' });
            else if (before >= uses) expect(answer).toEqual({ fresh: false, fault: 'used' });
            else if (before > 0) expect(answer).toEqual({ fresh: true, usesLeft: uses - before - 1 });
            else if (!answer.fresh) expect(['full', 'owner-full']).toContain(answer.fault);
            if (answer.fresh) naive.accept(nonce, owner, expires, now);
            expect(detector.stats().remembered).toBeLessThanOrEqual(LIMITS.capacity);
            expect(detector.stats().remembered).toBeGreaterThanOrEqual(naive.live(now).length);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('accepts every fresh nonce while there is room', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const detector = new ReplayDetector({ capacity: 1_000, perOwner: 1_000, window: 1_000 });
        const naive = new NaiveDetector();
        let now = 0;
        for (const { wait, nonce, owner, lifetime } of steps) {
          now += wait;
          const expected = lifetime > 0 && naive.uses(nonce, now) === 0;
          expect(detector.take({ owner, nonce, expires: now + lifetime }, now).fresh).toBe(expected);
          if (expected) naive.accept(nonce, owner, now + lifetime, now);
        }
      }),
    );
  });

  it('refuses new nonces when it is full, and forgets none that could come again', () => {
    const detector = new ReplayDetector({ capacity: 3, perOwner: 3, window: 100 });
    const take = (nonce: string, now: number) => {
      const answer = detector.take({ owner: 'x', nonce, expires: now + 50 }, now);
      return answer.fresh || answer.fault;
    };
    expect(['a', 'b', 'c', 'd', 'a'].map((nonce) => take(nonce, 0))).toEqual([
      true,
      true,
      true,
      'full',
      'used',
    ]);
    expect(take('d', 49)).toBe('full');
    expect(take('d', 50)).toBe(true);
    expect(take('a', 50)).toBe(true);
    expect(take('a', 51)).toBe('used');
  });

  it('does not let one owner take the room of others', () => {
    const detector = new ReplayDetector({ capacity: 10, perOwner: 4, window: 100 });
    const flood = Array.from({ length: 8 }, (_, at) =>
      detector.take({ owner: 'flood', nonce: `f${at}`, expires: 50 }, 0),
    );
    expect(flood.filter(({ fresh }) => fresh)).toHaveLength(4);
    expect(detector.take({ owner: 'other', nonce: 'x', expires: 50 }, 0).fresh).toBe(true);
    expect(detector.take({ owner: 'flood', nonce: 'late', expires: 150 }, 60).fresh).toBe(true);
  });

  it('keeps a nonce that came again while its expired self was not forgotten yet', () => {
    const detector = new ReplayDetector({ capacity: 100, perOwner: 100, window: 200 });
    const take = (nonce: string, expires: number, now: number) =>
      detector.take({ owner: 'x', nonce, expires }, now).fresh;
    // Forgotten first, and more than one call forgets.
    for (let at = 0; at < 20; at += 1) take(`filler ${at}`, 99, 0);
    take('again', 100, 0);
    expect(take('again', 200, 100)).toBe(true);
    for (let at = 0; at < 5; at += 1) take(`later ${at}`, 200, 100);
    expect(detector.stats().remembered).toBe(6);
    expect(take('again', 200, 100)).toBe(false);
  });

  it('makes room again after a burst', () => {
    const detector = new ReplayDetector({ capacity: 1_000, perOwner: 1_000, window: 100 });
    for (let at = 0; at < 1_000; at += 1) detector.take({ owner: 'x', nonce: `a${at}`, expires: 100 }, 0);
    for (let at = 0; at < 1_000; at += 1) {
      expect(detector.take({ owner: 'x', nonce: `b${at}`, expires: 200 }, 100).fresh).toBe(true);
    }
    expect(detector.stats().remembered).toBe(1_000);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses an expiry of %d', (expires) => {
    expect(new ReplayDetector(LIMITS).take({ owner: 'x', nonce: 'n', expires }, 0).fresh).toBe(false);
  });
});
