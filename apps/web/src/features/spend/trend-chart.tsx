'use client';

import type { SpendSeries } from '@raypher/shared/rest';
import { useState } from 'react';
import { niceCeiling } from '@/features/overview/verdicts.ts';
import { plural } from '@/lib/format/format.ts';
import { formatMoney } from './money.ts';

export type SpendDay = SpendSeries['days'][number];

const WIDTH = 720;
const HEIGHT = 100;
/** In millionths. */
const ONE_DOLLAR = 1_000_000;

/** Stacked bars, one per day: exact below, estimated above. The table beside it says the same. */
export function TrendChart({ days }: { days: SpendDay[] }) {
  const [hovered, setHovered] = useState<number | null>(null);
  const most = Math.max(0, ...days.map((day) => day.exactMicros + day.estimatedMicros));
  // Nothing was spent: an axis in dollars rather than in the smallest unit there is.
  const top = most === 0 ? ONE_DOLLAR : niceCeiling(most);
  const slot = WIDTH / Math.max(1, days.length);
  const shown = hovered === null ? undefined : days[hovered];
  return (
    <figure className="flex h-full min-w-0 flex-col">
      <div className="mb-2 flex gap-4 text-xs text-ink-2">
        <Legend dot="bg-accent" text="Exact" />
        <Legend dot="bg-accent/40" text="Estimated" />
      </div>
      <div className="relative ml-16 min-h-0 flex-1">
        <div aria-hidden="true" className="absolute inset-0 flex flex-col justify-between">
          {[top, top / 2, 0].map((value) => (
            <div key={value} className="relative h-0 border-t">
              <span className="absolute -top-2 right-full pr-2 text-xs whitespace-nowrap text-ink-3">
                {formatMoney(value)}
              </span>
            </div>
          ))}
        </div>
        <svg
          role="img"
          aria-label={`What calls cost on each of ${plural(days.length, 'day')}, at most ${formatMoney(most)} on one`}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          className="absolute inset-0 size-full"
          onMouseMove={(event) => {
            const { left, width } = event.currentTarget.getBoundingClientRect();
            const index = Math.floor(((event.clientX - left) / width) * days.length);
            setHovered(Math.min(days.length - 1, Math.max(0, index)));
          }}
          onMouseLeave={() => setHovered(null)}
        >
          {days.map(({ day, exactMicros, estimatedMicros }, index) => {
            const exact = (exactMicros / top) * HEIGHT;
            const estimated = (estimatedMicros / top) * HEIGHT;
            const x = index * slot + slot * 0.15;
            return (
              <g key={day}>
                <rect
                  x={index * slot}
                  y={0}
                  width={slot}
                  height={HEIGHT}
                  className={index === hovered ? 'fill-raised' : 'fill-transparent'}
                />
                <rect x={x} y={HEIGHT - exact} width={slot * 0.7} height={exact} className="fill-accent" />
                <rect
                  x={x}
                  y={HEIGHT - exact - estimated}
                  width={slot * 0.7}
                  height={estimated}
                  className="fill-accent/40"
                />
              </g>
            );
          })}
        </svg>
      </div>
      <figcaption className="mt-1.5 ml-16 flex h-4 justify-between gap-4 text-xs text-ink-3">
        {shown === undefined ? (
          <>
            <span>{days[0]?.day}</span>
            <span>{days.at(-1)?.day} UTC</span>
          </>
        ) : (
          <span className="mx-auto truncate text-ink-2">
            {shown.day} · exact {formatMoney(shown.exactMicros)} · estimated{' '}
            {formatMoney(shown.estimatedMicros)} · {plural(shown.unknownCalls, 'call')} of unknown cost
          </span>
        )}
      </figcaption>
    </figure>
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
