'use client';

import { StackedBars } from '@/components/stacked-bars.tsx';
import { formatCount } from '@/lib/format/format.ts';
import { formatClock } from '@/lib/format/time.ts';
import { useNow } from '@/lib/use-now.ts';
import { type Minute, niceCeiling, OUTCOMES, sumOf } from './verdicts.ts';

/** One bar per minute. The table beside it says the same to those who do not see it. */
export function VerdictsChart({ minutes }: { minutes: Minute[] }) {
  // Local times exist only in the browser; see useNow.
  const inBrowser = useNow(60_000) !== 0;
  const most = Math.max(0, ...minutes.map(sumOf));
  const top = niceCeiling(most);
  const clock = (index: number): string => {
    const minute = minutes[index];
    return minute === undefined || !inBrowser ? '' : formatClock(new Date(minute.minute)).slice(0, 5);
  };
  return (
    <StackedBars
      className="px-4 pt-4 pb-3"
      bars={minutes.map((minute) => ({
        key: minute.minute,
        parts: OUTCOMES.map(({ key, fill }) => ({ key, size: minute[key], fill })),
      }))}
      label={`Verdicts per minute of the last hour, at most ${formatCount(most)} in a minute`}
      top={top}
      ticks={[top, top / 2, 0].map((value) => ({
        value,
        text: value > 0 && Number.isInteger(value) ? formatCount(value) : '',
      }))}
      gutter="ml-8"
      axis={[clock(0), clock(Math.floor(minutes.length / 2)), clock(minutes.length - 1)]}
      describe={(index) => {
        const minute = minutes[index];
        if (minute === undefined) return null;
        const words = OUTCOMES.map(({ key, label }) => `${label.toLowerCase()} ${formatCount(minute[key])}`);
        return `${clock(index)} · ${words.join(' · ')}`;
      }}
    />
  );
}
