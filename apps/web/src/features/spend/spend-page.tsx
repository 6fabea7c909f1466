'use client';

import { SpendGroup, type SpendSums } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { Choice, FilterBar } from '@/components/filter-bar.tsx';
import { MisreadFilters } from '@/components/misread-filters.tsx';
import { PageHeader } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Input } from '@/components/ui/input.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { misread, oneOfThese } from '@/lib/misread.ts';
import { oneOf, useUrlState } from '@/lib/use-url-state.ts';
import { Breakdown } from './breakdown.tsx';
import { Budgets } from './budgets.tsx';
import { moneyLike } from './money.ts';
import { PricesButton } from './prices-button.tsx';
import { misreadRange, PRESETS, readRange } from './range.ts';
import { Totals } from './totals.tsx';
import { Trend } from './trend.tsx';

/** What calls of models cost, on whom it was spent, and how much the limits still leave. */
export function SpendPage() {
  const url = useUrlState();
  const me = useMe();
  const unread = [...misreadRange(url.get), ...misread(url.get, { group: oneOfThese(SpendGroup.options) })];
  const { range, preset } = readRange(url.get, Date.now());
  const group = oneOf(url.get('group'), SpendGroup.options) ?? 'provider';
  const query = { ...range, group };
  const spend = useQuery({
    queryKey: keys.spend(query),
    queryFn: () => api.spend(query),
    placeholderData: (before) => before,
  });
  const series = useQuery({
    queryKey: keys.spendSeries(range),
    queryFn: () => api.spendSeries({ ...range }),
    placeholderData: (before) => before,
  });
  const budgets = useQuery({ queryKey: keys.budgets, queryFn: api.budgets });
  const failed = [spend, series, budgets].find(({ error, data }) => error !== null && data === undefined);
  const money = moneyLike(sumOf(spend.data?.totals));
  return (
    <>
      <PageHeader
        title="Spend"
        description={
          me.role === 'manager'
            ? 'What calls of models by the devices of your team cost.'
            : 'What calls of models cost, on whom it was spent, and what the limits leave.'
        }
        actions={<PricesButton />}
      />
      <FilterBar>
        <Choice
          label="Time"
          value={preset}
          options={[...PRESETS]}
          onChange={(days) => url.set({ days, from: null, to: null })}
        />
        <Day
          label="From"
          value={range.from}
          onChange={(from) => url.set({ from, to: range.to, days: null })}
        />
        <Day label="To" value={range.to} onChange={(to) => url.set({ to, from: range.from, days: null })} />
        <span className="text-xs text-ink-3">days of UTC</span>
      </FilterBar>
      {unread.length > 0 ? (
        <MisreadFilters filters={unread} set={url.set} />
      ) : (
        <div className="grid gap-4 px-4 py-4 lg:px-6">
          {failed !== undefined && (
            <ErrorState
              what="What was spent could not be fetched."
              error={failed.error}
              retry={() => void failed.refetch()}
            />
          )}
          <Totals spend={spend.data} money={money} />
          <div className="grid items-start gap-4 xl:grid-cols-2">
            <Trend series={series.data} money={money} />
            <Budgets budgets={budgets.data} />
          </div>
          <Breakdown
            spend={spend.data}
            money={money}
            group={group}
            onGroup={(next) => url.set({ group: next })}
          />
        </div>
      )}
    </>
  );
}

function sumOf(totals: SpendSums | undefined): number {
  return totals === undefined ? 0 : totals.exactMicros + totals.estimatedMicros;
}

function Day({ label, value, onChange }: { label: string; value: string; onChange: (day: string) => void }) {
  return (
    <Input
      type="date"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      className="w-36"
    />
  );
}
