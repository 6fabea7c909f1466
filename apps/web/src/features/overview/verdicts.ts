import type { Overview } from '@raypher/shared/rest';

export type Minute = Overview['verdicts'][number];
export type OutcomeKey = 'allow' | 'prompt' | 'wouldDeny' | 'deny';

/** In stacking order, from the axis upwards. */
export const OUTCOMES: { key: OutcomeKey; label: string; dot: string; fill: string }[] = [
  { key: 'allow', label: 'Allowed', dot: 'bg-allowed/60', fill: 'fill-allowed/60' },
  { key: 'prompt', label: 'Prompted', dot: 'bg-prompted', fill: 'fill-prompted' },
  { key: 'wouldDeny', label: 'Would deny', dot: 'bg-unknown', fill: 'fill-unknown' },
  { key: 'deny', label: 'Denied', dot: 'bg-denied', fill: 'fill-denied' },
];

export function totalOf(minutes: Minute[], key: OutcomeKey): number {
  return minutes.reduce((sum, minute) => sum + minute[key], 0);
}

export function sumOf(minute: Minute): number {
  return minute.allow + minute.prompt + minute.wouldDeny + minute.deny;
}

/** The smallest of 1, 2, 2.5, 5 × 10ⁿ that is at least `value`: where the axis ends. */
export function niceCeiling(value: number): number {
  if (value <= 5) return 5;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 2, 2.5, 5, 10]) {
    if (step * power >= value) return step * power;
  }
  return value;
}
