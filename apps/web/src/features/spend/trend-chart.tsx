'use client';

import type { SpendSeries } from '@raypher/shared/rest';
import { StackedBars } from '@/components/stacked-bars.tsx';
import { niceCeiling } from '@/features/overview/verdicts.ts';
import { plural } from '@/lib/format/format.ts';
import { formatMoney, type Money } from './money.ts';

export type SpendDay = SpendSeries['days'][number];

/** In millionths. */
const ONE_DOLLAR = 1_000_000;

/** One bar per day: exact below, estimated above. The table beside it says the same. */
export function TrendChart({ days, money }: { days: SpendDay[]; money: Money }) {
  const most = Math.max(0, ...days.map((day) => day.exactMicros + day.estimatedMicros));
  // Nothing was spent: an axis in dollars rather than in the smallest unit there is.
  const top = most === 0 ? ONE_DOLLAR : niceCeiling(most);
  return (
    <div className="flex h-full min-w-0 flex-col">
      <div className="mb-2 flex gap-4 text-xs text-ink-2">
        <Legend dot="bg-accent" text="Exact" />
        <Legend dot="bg-accent/40" text="Estimated" />
      </div>
      <StackedBars
        bars={days.map(({ day, exactMicros, estimatedMicros }) => ({
          key: day,
          parts: [
            { key: 'exact', size: exactMicros, fill: 'fill-accent' },
            { key: 'estimated', size: estimatedMicros, fill: 'fill-accent/40' },
          ],
        }))}
        label={`What calls cost on each of ${plural(days.length, 'day')}, at most ${money(most)} on one`}
        top={top}
        ticks={[top, top / 2, 0].map((value) => ({ value, text: formatMoney(value) }))}
        gutter="ml-16"
        axis={[days[0]?.day, `${days.at(-1)?.day ?? ''} UTC`]}
        describe={(index) => {
          const day = days[index];
          if (day === undefined) return null;
          return `${day.day} · exact ${money(day.exactMicros)} · estimated ${money(day.estimatedMicros)} · ${plural(day.unknownCalls, 'call')} of unknown cost`;
        }}
      />
    </div>
  );
}

function Legend({ dot, text }: { dot: string; text: string }) {
  return (
    <span className="flex items-center gap-1.5">
      <span aria-hidden="true" className={`size-2 rounded-[2px] ${dot}`} />
      {text}
    </span>
  );
}
