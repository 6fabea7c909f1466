'use client';

import { useState } from 'react';
import { formatCount } from '@/lib/format/format.ts';
import { formatClock } from '@/lib/format/time.ts';
import { useNow } from '@/lib/use-now.ts';
import { type Minute, niceCeiling, OUTCOMES, sumOf } from './verdicts.ts';

const WIDTH = 720;
const HEIGHT = 160;

/** Stacked bars, one per minute. The table beside it says the same to those who do not see it. */
export function VerdictsChart({ minutes }: { minutes: Minute[] }) {
  const [hovered, setHovered] = useState<number | null>(null);
  // Local times exist only in the browser; see useNow.
  const inBrowser = useNow(60_000) !== 0;
  const top = niceCeiling(Math.max(0, ...minutes.map(sumOf)));
  const slot = WIDTH / Math.max(1, minutes.length);
  const clock = (index: number): string => {
    const minute = minutes[index];
    return minute === undefined || !inBrowser ? '' : formatClock(new Date(minute.minute)).slice(0, 5);
  };
  const shown = hovered === null ? undefined : minutes[hovered];
  return (
    <figure className="flex h-full flex-col px-4 pt-4 pb-3">
      <div className="relative ml-8 min-h-0 flex-1">
        <div aria-hidden="true" className="absolute inset-0 flex flex-col justify-between">
          {[top, top / 2, 0].map((value) => (
            <div key={value} className="relative h-0 border-t">
              <span className="absolute -top-2 right-full pr-2 text-xs text-ink-3">
                {value > 0 && Number.isInteger(value) ? formatCount(value) : ''}
              </span>
            </div>
          ))}
        </div>
        <svg
          role="img"
          aria-label={`Verdicts per minute of the last hour, at most ${formatCount(Math.max(0, ...minutes.map(sumOf)))} in a minute`}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          className="absolute inset-0 size-full"
          onMouseMove={(event) => {
            const { left, width } = event.currentTarget.getBoundingClientRect();
            const index = Math.floor(((event.clientX - left) / width) * minutes.length);
            setHovered(Math.min(minutes.length - 1, Math.max(0, index)));
          }}
          onMouseLeave={() => setHovered(null)}
        >
          {minutes.map((minute, index) => {
            let y = HEIGHT;
            return (
              <g key={minute.minute}>
                <rect
                  x={index * slot}
                  y={0}
                  width={slot}
                  height={HEIGHT}
                  className={index === hovered ? 'fill-raised' : 'fill-transparent'}
                />
                {OUTCOMES.map(({ key, fill }) => {
                  const height = (minute[key] / top) * HEIGHT;
                  y -= height;
                  return height === 0 ? null : (
                    <rect
                      key={key}
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
      <figcaption className="mt-1.5 ml-8 flex h-4 justify-between gap-4 text-xs text-ink-3">
        {shown === undefined || hovered === null ? (
          <>
            <span>{clock(0)}</span>
            <span>{clock(Math.floor(minutes.length / 2))}</span>
            <span>{clock(minutes.length - 1)}</span>
          </>
        ) : (
          <span className="mx-auto text-ink-2">
            {clock(hovered)} ·{' '}
            {OUTCOMES.map(({ key, label }) => `${label.toLowerCase()} ${formatCount(shown[key])}`).join(
              ' · ',
            )}
          </span>
        )}
      </figcaption>
    </figure>
  );
}
