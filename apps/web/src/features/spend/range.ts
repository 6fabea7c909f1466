import { z } from 'zod';
import { fits, type Misread, misread, oneOfThese } from '../../lib/misread.ts';

/** Days of UTC, both included. */
export interface SpendRange {
  from: string;
  to: string;
}

export const PRESETS = [
  { value: '1', label: 'Today', days: 1 },
  { value: '7', label: '7 days', days: 7 },
  { value: '30', label: '30 days', days: 30 },
  { value: '90', label: '90 days', days: 90 },
] as const;
export type Preset = (typeof PRESETS)[number]['value'];

const USUAL: Preset = '30';
const DAY_MS = 86_400_000;
const Day = z.iso.date();

/** What the URL asks for and cannot be read; two days in the wrong order are the end's fault. */
export function misreadRange(get: (name: string) => string): Misread[] {
  const found = misread(get, {
    days: oneOfThese(PRESETS.map(({ value }) => value)),
    from: fits(Day),
    to: (to) => Day.safeParse(to).success && (get('from') === '' || get('from') <= to),
  });
  // A day alone is half a range, which the page would leave out.
  const [from, to] = [get('from'), get('to')];
  if (found.length > 0 || (from === '') === (to === '')) return found;
  return [from === '' ? { name: 'to', value: to } : { name: 'from', value: from }];
}

/** The range that the URL names: a number of days up to today, or two days. */
export function readRange(
  get: (name: string) => string,
  now: number,
): { range: SpendRange; preset: Preset | '' } {
  const [from, to] = [get('from'), get('to')];
  if (Day.safeParse(from).success && Day.safeParse(to).success && from <= to) {
    return { range: { from, to }, preset: '' };
  }
  const preset = PRESETS.find(({ value }) => value === get('days'))?.value ?? USUAL;
  return { range: lastDays(Number(preset), now), preset };
}

export function lastDays(days: number, now: number): SpendRange {
  const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10);
  return { from: dayOf(now - (days - 1) * DAY_MS), to: dayOf(now) };
}
