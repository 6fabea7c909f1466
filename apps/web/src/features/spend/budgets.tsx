import type { Budget, Budgets as BudgetsAnswer } from '@raypher/shared/rest';
import { Eye, MonitorSmartphone } from 'lucide-react';
import Link from 'next/link';
import { Badge } from '@/components/badge.tsx';
import { Command } from '@/components/copy.tsx';
import { Section } from '@/components/page-header.tsx';
import { EmptyState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { BudgetBar } from './budget-bar.tsx';
import { formatMoney } from './money.ts';

const LIMIT = `financial:
  limits:
    - { id: everything, amount: 500, per: month,
        scope: organisation, warn_at: 0.8 }
    - { id: each-team, amount: 25, per: day,
        scope: team }`;

/** The limits of the running policy and how much room each has. */
export function Budgets({ budgets }: { budgets: BudgetsAnswer | undefined }) {
  return (
    <Section
      title="Budgets"
      aside={
        budgets !== undefined && (
          <Link href="/policies" className="hover:text-ink hover:underline">
            Policy revision {budgets.revision}
          </Link>
        )
      }
    >
      {budgets === undefined ? (
        <div className="p-4">
          <Skeleton className="h-10 w-full" />
        </div>
      ) : budgets.limits.length === 0 ? (
        <EmptyState title="Nothing limits spending">
          <p>
            Add limits to the{' '}
            <Link href="/policies" className="underline underline-offset-2">
              policy
            </Link>
            , such as these:
          </p>
          <Command text={LIMIT} label="Copy the limits" />
        </EmptyState>
      ) : (
        <ul className="divide-y">
          {budgets.limits.map((limit) => (
            <li key={`${limit.team?.id ?? ''} ${limit.id}`} className="grid gap-2 px-4 py-3">
              <Heading limit={limit} />
              <Counters limit={limit} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Heading({ limit }: { limit: Budget }) {
  const { id, team, amountMicros, per, scope, mode, resetsAt } = limit;
  return (
    <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
      <span className="font-medium">{id}</span>
      <span className="text-ink-2">
        {formatMoney(amountMicros)}{' '}
        {per === 'request' ? 'for one call' : `per ${per} and ${scope === 'agent' ? 'AI agent' : scope}`}
        {team === null ? '' : `, of team ${team.name}`}
      </span>
      {mode === 'monitor' && (
        <Badge tone="prompted" icon={Eye} title="What goes over it is recorded and not refused">
          Monitor only
        </Badge>
      )}
      {resetsAt !== null && (
        <span className="ml-auto text-xs text-ink-3">
          begins anew <Time at={resetsAt} />
        </span>
      )}
    </div>
  );
}

function Counters({ limit }: { limit: Budget }) {
  if (limit.counted === 'call') return <p className="text-xs text-ink-3">Each call is held to it alone.</p>;
  if (limit.counted === 'device') {
    return (
      <p className="flex items-center gap-1.5 text-xs text-ink-3">
        <MonitorSmartphone aria-hidden="true" className="size-3.5" />
        Each device counts it for itself: <code>raypher budget</code> shows it there.
      </p>
    );
  }
  if (limit.counters.length === 0) return <p className="text-xs text-ink-3">Not used in this period.</p>;
  return (
    <ul className="grid gap-3">
      {limit.counters.map((counter) => (
        <li key={counter.subject ?? ''}>
          <BudgetBar limit={limit} counter={counter} />
        </li>
      ))}
    </ul>
  );
}
