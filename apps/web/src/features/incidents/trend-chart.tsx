'use client';

import type { IncidentOutcome, IncidentTrend } from '@raypher/shared/rest';
import { useState } from 'react';
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

const WIDTH = 720;
const HEIGHT = 100;

export function sumOf(day: TrendDay): number {
  return STACK.reduce((sum, { outcome }) => sum + (day.outcomes[outcome] ?? 0), 0);
}

/** Stacked bars, one per day. The table beside it says the same to those who do not see it. */
export function TrendChart({ days }: { days: TrendDay[] }) {
  const [hovered, setHovered] = useState<number | null>(null);
  const most = Math.max(0, ...days.map(sumOf));
  const top = niceCeiling(most);
  const slot = WIDTH / Math.max(1, days.length);
  const shown = hovered === null ? undefined : days[hovered];
  return (
    <figure className="flex h-full min-w-0 flex-col">
      <div className="relative ml-7 min-h-0 flex-1">
        <div aria-hidden="true" className="absolute inset-0 flex flex-col justify-between">
          {[top, 0].map((value) => (
            <div key={value} className="relative h-0 border-t">
              <span className="absolute -top-2 right-full pr-2 text-xs text-ink-3">
                {value > 0 ? formatCount(value) : ''}
              </span>
            </div>
          ))}
        </div>
        <svg
          role="img"
          aria-label={`Incidents that began on each of ${plural(days.length, 'day')}, at most ${formatCount(most)} on one`}
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
          {days.map((day, index) => {
            let y = HEIGHT;
            return (
              <g key={day.day}>
                <rect
                  x={index * slot}
                  y={0}
                  width={slot}
                  height={HEIGHT}
                  className={index === hovered ? 'fill-raised' : 'fill-transparent'}
                />
                {STACK.map(({ outcome, fill }) => {
                  const height = ((day.outcomes[outcome] ?? 0) / top) * HEIGHT;
                  y -= height;
                  return height === 0 ? null : (
                    <rect
                      key={outcome}
                      x={index * slot + slot * 0.15}
                      y={y}
                      width={slot * 0.7}
                      height={height}
                      className={fill}
                    />
                  );
                })}
              </g>
            );
          })}
        </svg>
      </div>
      <figcaption className="mt-1.5 ml-7 flex h-4 justify-between gap-4 text-xs text-ink-3">
        {shown === undefined ? (
          <>
            <span>{days[0]?.day}</span>
            <span>{days.at(-1)?.day} UTC</span>
          </>
        ) : (
          <span className="mx-auto truncate text-ink-2">
            {shown.day} ·{' '}
            {STACK.filter(({ outcome }) => (shown.outcomes[outcome] ?? 0) > 0)
              .map(
                ({ outcome }) =>
                  `${OUTCOME_WORDS[outcome].toLowerCase()} ${formatCount(shown.outcomes[outcome] ?? 0)}`,
              )
              .join(' · ') || 'none'}
          </span>
        )}
      </figcaption>
    </figure>
  );
}
