import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { compileWindow } from './time-window.ts';
import { findZone, wallClock } from './zone.ts';

/** Properties are tried on thousands of policies; a busy machine takes its time. */
vi.setConfig({ testTimeout: 60_000 });

/**
 * Transitions of 2026 and 2027 as published in the tz database: the instant, and the wall clock one minute
 * before and at it.
 */
const TRANSITIONS = [
  ['Europe/Berlin', '2026-03-29T01:00:00Z', '01:59', '03:00'],
  ['Europe/Berlin', '2026-10-25T01:00:00Z', '02:59', '02:00'],
  ['America/New_York', '2026-03-08T07:00:00Z', '01:59', '03:00'],
  ['America/New_York', '2026-11-01T06:00:00Z', '01:59', '01:00'],
  ['Australia/Sydney', '2026-04-04T16:00:00Z', '02:59', '02:00'],
  ['Australia/Sydney', '2026-10-03T16:00:00Z', '01:59', '03:00'],
  // Half an hour of summer time.
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', '01:59', '01:30'],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z', '01:59', '02:30'],
  ['America/St_Johns', '2026-03-08T05:30:00Z', '01:59', '03:00'],
  // A minute after midnight, as it was until 2011.
  ['America/St_Johns', '1987-10-25T02:31:00Z', '00:00', '23:01'],
  // No summer time, and offsets that are not whole hours.
  ['Asia/Kathmandu', '2026-03-29T01:00:00Z', '06:44', '06:45'],
] as const;

describe('the clock on the wall', () => {
  test.each(TRANSITIONS)('%s at %s goes from %s to %s', (name, instant, before, after) => {
    const at = Date.parse(instant);
    expect(clock(name, at - 60_000)).toBe(before);
    expect(clock(name, at)).toBe(after);
    // The other way round too: what is remembered of one side does not leak to the other.
    expect(clock(name, at - 1)).toBe(before);
  });

  test('is the one that Intl shows, at any instant and in any zone', () => {
    const zones = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/St_Johns',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
    );
    const instants = fc.integer({ min: Date.UTC(1980, 0), max: Date.UTC(2037, 11) });
    fc.assert(
      fc.property(zones, instants, (name, at) => {
        const shown = new Intl.DateTimeFormat('en-GB', {
          timeZone: name,
          weekday: 'short',
          hour: '2-digit',
          minute: '2-digit',
          hourCycle: 'h23',
        }).format(at);
        const { day } = wallClock(findZone(name)?.localMinutes(at) ?? Number.NaN);
        expect(`${['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][day]} ${clock(name, at)}`).toBe(
          shown.replace(',', ''),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('names that are not zones are refused, fixed offsets too', () => {
    for (const name of ['Europe/Atlantis', '', '+02:00', 'local']) expect(findZone(name)).toBeUndefined();
  });
});

describe('a window of time', () => {
  const night = { days: ['fri'], from: '22:00', to: '06:00', zone: 'Europe/Berlin' } as const;

  test.each([
    ['2026-11-20T20:59:00Z', false, 'Friday 21:59'],
    ['2026-11-20T21:00:00Z', true, 'Friday 22:00'],
    ['2026-11-21T04:59:59Z', true, 'Saturday 05:59'],
    ['2026-11-21T05:00:00Z', false, 'Saturday 06:00'],
    ['2026-11-20T04:00:00Z', false, 'Friday 05:00: that night began on Thursday'],
    ['2026-11-21T21:30:00Z', false, 'Saturday 22:30'],
  ])('over midnight belongs to the day on which it begins: %s is %s (%s)', (instant, holds) => {
    expect(compileWindow(night, 'UTC').holds(Date.parse(instant))).toBe(holds);
  });

  test('loses the hour that does not exist and holds the repeated one twice', () => {
    const window = compileWindow({ from: '02:00', to: '03:00' }, 'Europe/Berlin');
    const minutesHeld = (day: string) => {
      const start = Date.parse(`${day}T00:00:00Z`);
      return Array.from({ length: 360 }, (_, minute) => window.holds(start + minute * 60_000)).filter(Boolean)
        .length;
    };
    expect(minutesHeld('2026-03-28')).toBe(60);
    expect(minutesHeld('2026-03-29')).toBe(0);
    expect(minutesHeld('2026-10-25')).toBe(120);
  });

  test('of an overnight shift is an hour shorter and longer on the nights of the change', () => {
    const window = compileWindow({ from: '22:00', to: '06:00' }, 'America/New_York');
    const minutesFrom = (instant: string) =>
      Array.from({ length: 600 }, (_, minute) => window.holds(Date.parse(instant) + minute * 60_000)).filter(
        Boolean,
      ).length;
    expect(minutesFrom('2026-03-08T02:30:00Z')).toBe(7 * 60);
    expect(minutesFrom('2026-11-01T01:30:00Z')).toBe(9 * 60);
  });

  test('that ends at midnight includes the last minute of the day', () => {
    const window = compileWindow({ days: ['sun'], from: '23:00' }, 'UTC');
    expect(window.holds(Date.parse('2026-11-22T23:59:59Z'))).toBe(true);
    expect(window.holds(Date.parse('2026-11-23T00:00:00Z'))).toBe(false);
  });
});

function clock(name: string, at: number): string {
  const { minute } = wallClock(findZone(name)?.localMinutes(at) ?? Number.NaN);
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}
