import { describe, expect, it } from 'vitest';
import { niceCeiling, sumOf, totalOf } from './verdicts.ts';

describe('the axis of the verdicts', () => {
  it.each([
    [0, 5],
    [5, 5],
    [7, 10],
    [228, 250],
    [251, 500],
    [1000, 1000],
    [1001, 2000],
  ])('for %d ends at %d', (value, end) => {
    expect(niceCeiling(value)).toBe(end);
  });

  it('counts each outcome and all of them', () => {
    const minute = { minute: '2026-11-20T10:00:00.000Z', allow: 5, deny: 2, wouldDeny: 1, prompt: 3 };
    expect(totalOf([minute, minute], 'deny')).toBe(4);
    expect(sumOf(minute)).toBe(11);
  });
});
