'use client';

import type { SpendSeries } from '@raypher/shared/rest';
import { Table2 } from 'lucide-react';
import { useState } from 'react';
import { Section } from '@/components/page-header.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import type { Money } from './money.ts';
import { TrendChart } from './trend-chart.tsx';
import { TrendTable } from './trend-table.tsx';

/** Day by day, as a chart or as the table that says the same. */
export function Trend({ series, money }: { series: SpendSeries | undefined; money: Money }) {
  const [asTable, setAsTable] = useState(false);
  return (
    <Section
      title="Day by day"
      aside={
        <Button size="sm" variant="ghost" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          <Table2 /> {asTable ? 'Chart' : 'Table'}
        </Button>
      }
    >
      <div className="h-52 p-4">
        {series === undefined ? (
          <Skeleton className="h-full w-full" />
        ) : asTable ? (
          <TrendTable days={series.days} money={money} />
        ) : (
          <TrendChart days={series.days} money={money} />
        )}
      </div>
    </Section>
  );
}
