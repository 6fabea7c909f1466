'use client';

import type { Overview } from '@raypher/shared/rest';
import { Table2 } from 'lucide-react';
import { useState } from 'react';
import { Command } from '@/components/copy.tsx';
import { Section } from '@/components/page-header.tsx';
import { EmptyState } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { formatCount } from '@/lib/format/format.ts';
import { OUTCOMES, sumOf, totalOf } from './verdicts.ts';
import { VerdictsChart } from './verdicts-chart.tsx';
import { VerdictsTable } from './verdicts-table.tsx';

/** Verdicts of the last hour by minute, as a chart and as its table. */
export function VerdictsSection({ minutes }: { minutes: Overview['verdicts'] | undefined }) {
  const [asTable, setAsTable] = useState(false);
  return (
    <Section
      title="Verdicts per minute, last hour"
      aside={
        <Button size="sm" variant="ghost" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          <Table2 /> {asTable ? 'Chart' : 'Table'}
        </Button>
      }
    >
      <ul className="flex flex-wrap gap-x-5 gap-y-1 px-4 pt-3">
        {OUTCOMES.map(({ key, label, dot }) => (
          <li key={key} className="flex items-center gap-1.5 text-xs text-ink-2">
            <span aria-hidden="true" className={`size-2 rounded-[2px] ${dot}`} />
            {label}
            <span className="font-semibold text-ink">
              {minutes === undefined ? '–' : formatCount(totalOf(minutes, key))}
            </span>
          </li>
        ))}
      </ul>
      <div className="h-56">
        {minutes === undefined ? (
          <div className="p-4">
            <Skeleton className="h-44 w-full" />
          </div>
        ) : minutes.every((minute) => sumOf(minute) === 0) ? (
          <EmptyState title="No verdict in the last hour">
            <p>
              Send something through the proxy of an enrolled device (port 8888 unless it was moved); it is
              counted here at once.
            </p>
            <Command text="curl http://127.0.0.1:8888/v1/models" label="Copy the command" />
          </EmptyState>
        ) : asTable ? (
          <VerdictsTable minutes={minutes} />
        ) : (
          <VerdictsChart minutes={minutes} />
        )}
      </div>
    </Section>
  );
}
