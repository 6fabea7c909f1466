'use client';

import type { IncidentTrend } from '@raypher/shared/rest';
import { Table2 } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/components/ui/button.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { formatCount } from '@/lib/format/format.ts';
import { STACK, TrendChart, type TrendDay } from './trend-chart.tsx';
import { TrendTable } from './trend-table.tsx';
import { classWord, OUTCOME_WORDS } from './words.ts';

interface TrendBandProps {
  trend: IncidentTrend | undefined;
  set: (changes: Record<string, string | null>) => void;
}

/** Incidents by outcome and class over time; every number opens its rows. */
export function TrendBand({ trend, set }: TrendBandProps) {
  const [asTable, setAsTable] = useState(false);
  const days = trend?.days ?? [];
  const classes = countClasses(days);
  return (
    <section
      aria-label="Incidents over time"
      className="flex shrink-0 flex-col gap-2 border-b px-4 py-3 lg:px-6"
    >
      <div className="flex flex-wrap items-center gap-x-1 gap-y-1">
        {STACK.map(({ outcome, dot }) => (
          <NumberButton
            key={outcome}
            label={OUTCOME_WORDS[outcome]}
            dot={dot}
            count={days.reduce((sum, day) => sum + (day.outcomes[outcome] ?? 0), 0)}
            onClick={() => set({ outcome, status: 'all' })}
          />
        ))}
        <span aria-hidden="true" className="mx-2 h-4 border-l" />
        {classes.map(([name, count]) => (
          <NumberButton
            key={name}
            label={classWord(name)}
            count={count}
            onClick={() => set({ class: name, status: 'all' })}
          />
        ))}
        <Button
          size="sm"
          variant="ghost"
          className="ml-auto"
          aria-pressed={asTable}
          onClick={() => setAsTable(!asTable)}
        >
          <Table2 /> {asTable ? 'Chart' : 'Table'}
        </Button>
      </div>
      <div className="h-28">
        {trend === undefined ? (
          <Skeleton className="h-24 w-full" />
        ) : asTable ? (
          <TrendTable days={days} classes={classes.map(([name]) => name)} />
        ) : (
          <TrendChart days={days} />
        )}
      </div>
    </section>
  );
}

interface NumberButtonProps {
  label: string;
  count: number;
  dot?: string;
  onClick: () => void;
}

function NumberButton({ label, count, dot, onClick }: NumberButtonProps) {
  return (
    <button
      type="button"
      onClick={onClick}
      className="flex h-6 items-center gap-1.5 rounded-md px-1.5 text-xs text-ink-2 hover:bg-hover hover:text-ink"
    >
      {dot !== undefined && <span aria-hidden="true" className={`size-2 rounded-[2px] ${dot}`} />}
      {label}
      <span className="font-semibold text-ink">{formatCount(count)}</span>
    </button>
  );
}

/** Most frequent first. */
function countClasses(days: TrendDay[]): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { classes } of days) {
    for (const [name, count] of Object.entries(classes)) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}
