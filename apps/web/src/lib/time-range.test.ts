import { describe, expect, it } from 'vitest';
import { RANGES, rangeOf, startOf } from './time-range.ts';

const NOW = Date.parse('2026-11-20T10:00:30.000Z');

describe('a time range', () => {
  it.each(RANGES.filter(({ span }) => span > 0).map(({ value }) => value))(
    'of %s is recognised again by its start',
    (value) => {
      expect(rangeOf(startOf(value, NOW) ?? '', NOW)).toBe(value);
    },
  );

  it('starts at a full minute, so that a reload asks the same', () => {
    expect(startOf('15m', NOW)).toBe('2026-11-20T09:45:00.000Z');
  });

  it('has no start when it is all time', () => {
    expect(startOf('', NOW)).toBeNull();
    expect(rangeOf('', NOW)).toBe('');
  });

  it('is custom for any other start', () => {
    expect(rangeOf('2026-11-19T10:12:00.000Z', NOW)).toBe('custom');
  });
});
