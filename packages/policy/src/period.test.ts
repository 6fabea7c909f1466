import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { periodAt } from './period.ts';

const iso = (at: number) => new Date(at).toISOString();
const span = (zone: string, per: 'hour' | 'day' | 'month', at: string) => {
  const { startsAt, endsAt } = periodAt(per, zone, Date.parse(at));
  return [iso(startsAt), iso(endsAt)];
};

describe('periods begin at midnight of their zone', () => {
  test.each([
    ['UTC', 'hour', '2026-11-20T12:34:56Z', '2026-11-20T12:00:00.000Z', '2026-11-20T13:00:00.000Z'],
    ['UTC', 'day', '2026-11-20T00:00:00Z', '2026-11-20T00:00:00.000Z', '2026-11-21T00:00:00.000Z'],
    ['UTC', 'month', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['Asia/Kolkata', 'day', '2026-11-20T18:30:00Z', '2026-11-20T18:30:00.000Z', '2026-11-21T18:30:00.000Z'],
    [
      'America/New_York',
      'month',
      '2026-11-01T03:59:00Z',
      '2026-10-01T04:00:00.000Z',
      '2026-11-01T04:00:00.000Z',
    ],
    // A day of 23 hours, one of 25, and one that begins at 01:00 because clocks skip its midnight.
    ['Europe/Berlin', 'day', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['Europe/Berlin', 'day', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    [
      'America/Santiago',
      'day',
      '2026-09-06T12:00:00Z',
      '2026-09-06T04:00:00.000Z',
      '2026-09-07T03:00:00.000Z',
    ],
    // Samoa had no 30 December 2011.
    ['Pacific/Apia', 'day', '2011-12-30T12:00:00Z', '2011-12-30T10:00:00.000Z', '2011-12-31T10:00:00.000Z'],
  ] as const)('%s, %s at %s', (zone, per, at, from, to) => {
    expect(span(zone, per, at)).toEqual([from, to]);
  });
});

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/Santiago',
  'America/Havana',
  'Asia/Beirut',
  'Pacific/Apia',
  'Asia/Kathmandu',
];
const moments = fc.integer({ min: Date.UTC(2005, 0), max: Date.UTC(2035, 0) });

test('a moment lies in its period, and periods follow one another without gap or overlap', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.constantFrom('hour', 'day', 'month'),
      moments,
      (zone, per, at) => {
        const { startsAt, endsAt } = periodAt(per, zone, at);
        expect(startsAt <= at && at < endsAt).toBe(true);
        const next = periodAt(per, zone, endsAt);
        const last = periodAt(per, zone, startsAt - 1);
        expect([next.startsAt, last.endsAt]).toEqual([endsAt, startsAt]);
      },
    ),
  );
});

test('what is remembered changes no answer', () => {
  const zone = 'America/Santiago';
  fc.assert(
    fc.property(fc.array(moments, { maxLength: 8 }), moments, (times, elsewhere) => {
      for (const at of times) {
        const first = periodAt('day', zone, at);
        periodAt('day', zone, elsewhere);
        expect(periodAt('day', zone, at)).toEqual(first);
      }
    }),
    { numRuns: 30 },
  );
}, 30_000);
