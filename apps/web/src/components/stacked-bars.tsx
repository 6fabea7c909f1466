'use client';

import { type ReactNode, useState } from 'react';
import { cn } from '@/lib/cn.ts';

const WIDTH = 720;
const HEIGHT = 100;
/** Share of its slot that a bar takes. */
const BAR = 0.7;

export interface Bar {
  key: string;
  /** From the axis upwards. */
  parts: readonly { key: string; size: number; fill: string }[];
}

interface StackedBarsProps {
  bars: readonly Bar[];
  /** What it shows and its highest value, for those who do not see it; a table beside it says the rest. */
  label: string;
  /** Height of the axis, in the unit of the sizes. */
  top: number;
  /** Lines across, and what is written beside each. */
  ticks: readonly { value: number; text: string }[];
  /** Room for what is written beside the axis. */
  gutter?: string;
  /** Below the axis: from left to right. */
  axis: readonly ReactNode[];
  /** Instead of the axis while a bar is pointed at. */
  describe: (index: number) => ReactNode;
  className?: string;
}

/** Bars along time, each made of stacked parts. */
export function StackedBars({
  bars,
  label,
  top,
  ticks,
  gutter = 'ml-7',
  axis,
  describe,
  className,
}: StackedBarsProps) {
  const [hovered, setHovered] = useState<number | null>(null);
  const slot = WIDTH / Math.max(1, bars.length);
  return (
    <figure className={cn('flex h-full min-w-0 flex-col', className)}>
      <div className={cn('relative min-h-0 flex-1', gutter)}>
        <div aria-hidden="true" className="absolute inset-0 flex flex-col justify-between">
          {ticks.map(({ value, text }) => (
            <div key={value} className="relative h-0 border-t">
              <span className="absolute -top-2 right-full pr-2 text-xs whitespace-nowrap text-ink-3">
                {text}
              </span>
            </div>
          ))}
        </div>
        <svg
          role="img"
          aria-label={label}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          className="absolute inset-0 size-full"
          onMouseMove={(event) => {
            const { left, width } = event.currentTarget.getBoundingClientRect();
            const index = Math.floor(((event.clientX - left) / width) * bars.length);
            setHovered(Math.min(bars.length - 1, Math.max(0, index)));
          }}
          onMouseLeave={() => setHovered(null)}
        >
          {bars.map(({ key, parts }, index) => {
            let y = HEIGHT;
            return (
              <g key={key}>
                <rect
                  x={index * slot}
                  y={0}
                  width={slot}
                  height={HEIGHT}
                  className={index === hovered ? 'fill-raised' : 'fill-transparent'}
                />
                {parts.map((part) => {
                  const height = (part.size / top) * HEIGHT;
                  y -= height;
                  return height === 0 ? null : (
                    <rect
                      key={part.key}
                      x={index * slot + (slot * (1 - BAR)) / 2}
                      y={y}
                      width={slot * BAR}
                      height={height}
                      className={part.fill}
                    />
                  );
                })}
              </g>
            );
          })}
        </svg>
      </div>
      <figcaption className={cn('mt-1.5 flex h-4 justify-between gap-4 text-xs text-ink-3', gutter)}>
        {hovered === null || hovered >= bars.length ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: places along the axis never move
          axis.map((text, index) => <span key={index}>{text}</span>)
        ) : (
          <span className="mx-auto truncate text-ink-2">{describe(hovered)}</span>
        )}
      </figcaption>
    </figure>
  );
}
