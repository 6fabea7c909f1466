import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';

describe('admission', () => {
  it('lets a second’s worth of streams in at once and turns the next away', () => {
    const admission = new Admission(3, () => 0);
    expect([admission.admit(), admission.admit(), admission.admit()]).toEqual([0, 0, 0]);
    expect(admission.admit()).toBeGreaterThan(0);
  });

  it('lets more in as time passes', () => {
    let now = 0;
    const admission = new Admission(2, () => now);
    admission.admit();
    admission.admit();
    now = 500;
    expect(admission.admit()).toBe(0);
    expect(admission.admit()).toBeGreaterThan(0);
  });

  it('spreads a thousand refused over the time it takes to serve them', () => {
    const admission = new Admission(100, () => 0);
    const waits = Array.from({ length: 1_100 }, () => admission.admit()).filter((wait) => wait > 0);
    expect(waits).toHaveLength(1_000);
    const late = waits.filter((wait) => wait > 3_000);
    expect(late.length).toBeGreaterThan(100);
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_251);
  });
});
