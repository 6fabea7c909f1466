import { z } from 'zod';

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
