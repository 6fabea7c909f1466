'use client';

import type { Spend, SpendGroup, SpendSums } from '@raypher/shared/rest';
import { Download } from 'lucide-react';
import Link from 'next/link';
import { SmallSimulatedBadge } from '@/components/badge.tsx';
import { Choice } from '@/components/filter-bar.tsx';
import { Section } from '@/components/page-header.tsx';
import { EmptyState } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { download } from '@/features/rollout/download.ts';
import { formatCount, formatShare, plural } from '@/lib/format/format.ts';
import { toCsv } from './csv.ts';
import type { Money } from './money.ts';
import { MoneyCell } from './money-cell.tsx';
import { restOf } from './rest-of.ts';
import { rowsOf } from './rows-of.ts';

export const GROUPS: { value: SpendGroup; label: string; nobody: string }[] = [
  { value: 'provider', label: 'Provider', nobody: 'unknown provider' },
  { value: 'team', label: 'Team', nobody: 'no team' },
  { value: 'agent', label: 'AI agent', nobody: 'no AI agent' },
  { value: 'model', label: 'Model', nobody: 'unknown model' },
  { value: 'user', label: 'User', nobody: 'unknown user' },
  { value: 'device', label: 'Device', nobody: 'unknown device' },
];

interface BreakdownProps {
  spend: Spend | undefined;
  money: Money;
  group: SpendGroup;
  onGroup: (group: SpendGroup) => void;
}

/** Who and what it was spent on; each name opens its calls. */
export function Breakdown({ spend, money, group, onGroup }: BreakdownProps) {
  const words = GROUPS.find(({ value }) => value === group) ?? GROUPS[0];
  const shown = spend?.group === group ? spend : undefined;
  return (
    <Section
      title="Breakdown"
      aside={
        <>
          <Choice
            label="Broken down by"
            value={group}
            options={GROUPS}
            onChange={(next) => onGroup(next || 'provider')}
          />
          <Button
            size="sm"
            disabled={shown === undefined || shown.rows.length === 0}
            onClick={() => {
              if (shown === undefined) return;
              const name = `spend-by-${shown.group}-${shown.from}-${shown.to}.csv`;
              download(name, 'text/csv', new TextEncoder().encode(toCsv(shown)));
            }}
          >
            <Download /> CSV
          </Button>
        </>
      }
    >
      {shown === undefined ? (
        <div className="grid gap-3 p-4">
          {[1, 2, 3, 4].map((line) => (
            <Skeleton key={line} className="h-5 w-full" />
          ))}
        </div>
      ) : shown.rows.length === 0 ? (
        <EmptyState title="Nothing was spent in this time">
          <p>Calls of models through the proxy of an enrolled device appear here with what they cost.</p>
        </EmptyState>
      ) : (
        <Rows spend={shown} money={money} heading={words?.label ?? ''} nobody={words?.nobody ?? ''} />
      )}
    </Section>
  );
}

interface RowsProps {
  spend: Spend;
  money: Money;
  heading: string;
  nobody: string;
}

function Rows({ spend, money, heading, nobody }: RowsProps) {
  const { rows, totals, group, from, to, more } = spend;
  const all = totals.exactMicros + totals.estimatedMicros;
  return (
    <div className="overflow-x-auto">
      <table className="w-full whitespace-nowrap" aria-label={`Cost by ${heading}`}>
        <thead className="text-xs text-ink-3">
          <tr>
            <th className="px-4 py-2 text-left font-normal">{heading}</th>
            <th className="px-2 py-2 text-right font-normal">Cost</th>
            <th className="px-2 py-2 text-right font-normal">Share</th>
            <th className="px-2 py-2 text-right font-normal">Calls</th>
            <th className="px-2 py-2 text-right font-normal">Tokens in</th>
            <th className="py-2 pr-4 pl-2 text-right font-normal">Tokens out</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const href = rowsOf(group, row.key, { from, to });
            const name = row.name === '' ? nobody : row.name;
            const share = all === 0 ? 0 : (row.exactMicros + row.estimatedMicros) / all;
            return (
              <tr key={row.key} className="border-t hover:bg-hover">
                <td className="max-w-80 truncate px-4 py-1.5">
                  {href === undefined ? (
                    name
                  ) : (
                    <Link href={href} className="underline-offset-2 hover:underline">
                      {name}
                    </Link>
                  )}
                  {row.simulated && (
                    <>
                      {' '}
                      <SmallSimulatedBadge />
                    </>
                  )}
                </td>
                <td className="px-2 py-1.5 text-right">
                  <MoneyCell sums={row} money={money} />
                </td>
                <td className="px-2 py-1.5 text-right">
                  <span className="inline-flex items-center gap-2">
                    <span
                      aria-hidden="true"
                      className="hidden h-1.5 w-20 overflow-hidden rounded-full bg-raised sm:block"
                    >
                      <span className="block h-full bg-accent" style={{ width: `${share * 100}%` }} />
                    </span>
                    {share === 0 && row.unknownCalls > 0 ? '–' : formatShare(share)}
                  </span>
                </td>
                <td className="px-2 py-1.5 text-right">{formatCount(row.calls)}</td>
                <td className="px-2 py-1.5 text-right">{formatCount(row.inputTokens)}</td>
                <td className="py-1.5 pr-4 pl-2 text-right">{formatCount(row.outputTokens)}</td>
              </tr>
            );
          })}
          {more > 0 && (
            <SumRow name={`${plural(more, 'more')}, all cheaper`} sums={restOf(spend)} money={money} />
          )}
        </tbody>
        <tfoot>
          <SumRow name="Total" sums={totals} money={money} />
        </tfoot>
      </table>
      <p className="border-t px-4 py-2 text-xs whitespace-normal text-ink-3">
        Each amount is rounded by itself, the total too: rows may add up to a little more or less. The CSV has
        them to the millionth of a dollar.
      </p>
    </div>
  );
}

/** What several rows are together. */
function SumRow({ name, sums, money }: { name: string; sums: SpendSums; money: Money }) {
  return (
    <tr className="border-t font-medium">
      <th scope="row" className="px-4 py-1.5 text-left font-medium">
        {name}
      </th>
      <td className="px-2 py-1.5 text-right">
        <MoneyCell sums={sums} money={money} />
      </td>
      <td />
      <td className="px-2 py-1.5 text-right">{formatCount(sums.calls)}</td>
      <td className="px-2 py-1.5 text-right">{formatCount(sums.inputTokens)}</td>
      <td className="py-1.5 pr-4 pl-2 text-right">{formatCount(sums.outputTokens)}</td>
    </tr>
  );
}
