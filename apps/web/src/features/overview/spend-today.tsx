'use client';

import type { Budget, Spend } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { Wallet } from 'lucide-react';
import Link from 'next/link';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { formatMoney, roundMoney } from '@/features/spend/money.ts';
import { lastDays } from '@/features/spend/range.ts';
import { simulatedShare } from '@/features/spend/simulated-share.ts';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';

/** What calls cost today, against the limit of the whole organisation. */
export function SpendToday() {
  const query = { ...lastDays(1, Date.now()), group: 'provider' as const };
  const spend = useQuery({ queryKey: keys.spend(query), queryFn: () => api.spend(query) });
  const budgets = useQuery({ queryKey: keys.budgets, queryFn: api.budgets });
  const totals = spend.data?.totals;
  return (
    <li className="bg-surface">
      <Link href="/spend?days=1" className="block px-4 py-3 -outline-offset-2 hover:bg-hover">
        <span className="flex items-center gap-1.5 text-xs text-ink-2">
          <Wallet aria-hidden="true" className="size-3.5 text-ink-3" />
          Spend today
        </span>
        <span className="mt-1 block text-2xl font-semibold tracking-[-0.02em]">
          {totals === undefined ? (
            <Skeleton className="my-2.5 w-16" />
          ) : (
            roundMoney(totals.exactMicros + totals.estimatedMicros)
          )}
        </span>
        <span className="block min-h-4 text-xs text-ink-3">
          {spend.data !== undefined && originOf(spend.data)}
          {budgets.data === undefined ? '' : noteOf(budgets.data.limits)}
        </span>
      </Link>
    </li>
  );
}

/** What is not the providers' own figure, and what nobody pays. */
function originOf(spend: Spend): string {
  const share = simulatedShare(spend, roundMoney);
  if (share !== '') return `${share} · `;
  return spend.totals.estimatedMicros > 0 ? 'part estimated · ' : '';
}

/** The limit of the organisation with the shortest period says most about today. */
function noteOf(limits: readonly Budget[]): string {
  const own = limits.filter(({ scope, counted }) => scope === 'organisation' && counted === 'shared');
  const limit = own.find(({ per }) => per === 'day') ?? own.find(({ per }) => per === 'month');
  if (limit === undefined) return 'no limit for the organisation';
  const spent = limit.counters[0]?.spentMicros ?? 0;
  return `${formatMoney(spent)} of ${formatMoney(limit.amountMicros)} spent this ${limit.per}`;
}
