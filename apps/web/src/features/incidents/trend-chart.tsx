'use client';

import type { IncidentOutcome, IncidentTrend } from '@raypher/shared/rest';
import { StackedBars } from '@/components/stacked-bars.tsx';
import { niceCeiling } from '@/features/overview/verdicts.ts';
import { formatCount, plural } from '@/lib/format/format.ts';
import { OUTCOME_WORDS } from './words.ts';

export type TrendDay = IncidentTrend['days'][number];

/** In stacking order, from the axis upwards. */
export const STACK: { outcome: IncidentOutcome; dot: string; fill: string }[] = [
  { outcome: 'block', dot: 'bg-denied', fill: 'fill-denied' },
  { outcome: 'redact', dot: 'bg-allowed/60', fill: 'fill-allowed/60' },
  { outcome: 'prompt', dot: 'bg-prompted', fill: 'fill-prompted' },
  { outcome: 'alert', dot: 'bg-unknown', fill: 'fill-unknown' },
  { outcome: 'allow', dot: 'bg-accent', fill: 'fill-accent' },
];

export function sumOf(day: TrendDay): number {
  return STACK.reduce((sum, { outcome }) => sum + (day.outcomes[outcome] ?? 0), 0);
}

/** One bar per day. The table beside it says the same to those who do not see it. */
export function TrendChart({ days }: { days: TrendDay[] }) {
  const most = Math.max(0, ...days.map(sumOf));
  const top = niceCeiling(most);
  const counts = ({ outcomes }: TrendDay) =>
    STACK.map(({ outcome, fill }) => ({ key: outcome, size: outcomes[outcome] ?? 0, fill }));
  return (
    <StackedBars
      bars={days.map((day) => ({ key: day.day, parts: counts(day) }))}
      label={`Incidents that began on each of ${plural(days.length, 'day')}, at most ${formatCount(most)} on one`}
      top={top}
      ticks={[
        { value: top, text: formatCount(top) },
        { value: 0, text: '' },
      ]}
      axis={[days[0]?.day, `${days.at(-1)?.day ?? ''} UTC`]}
      describe={(index) => {
        const day = days[index];
        if (day === undefined) return null;
        const words = counts(day)
          .filter(({ size }) => size > 0)
          .map(({ key, size }) => `${OUTCOME_WORDS[key].toLowerCase()} ${formatCount(size)}`);
        return `${day.day} · ${words.join(' · ') || 'none'}`;
      }}
    />
  );
}
