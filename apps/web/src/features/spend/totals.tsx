import type { Spend } from '@raypher/shared/rest';
import type { ReactNode } from 'react';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { formatCount, plural } from '@/lib/format/format.ts';
import type { Money } from './money.ts';
import { simulatedShare } from './simulated-share.ts';

/** Exact, estimated and unknown are never one number. */
export function Totals({ spend, money }: { spend: Spend | undefined; money: Money }) {
  const totals = spend?.totals;
  const simulated = spend === undefined ? '' : simulatedShare(spend, money);
  return (
    <ul
      aria-label="Totals"
      className="grid grid-cols-2 gap-px overflow-hidden rounded-lg border bg-line lg:grid-cols-4"
    >
      <Total
        name="Exact"
        value={totals && money(totals.exactMicros)}
        note="by reported usage and list prices"
      />
      <Total
        name={
          <>
            Cost, <em>estimated</em>
          </>
        }
        value={totals && money(totals.estimatedMicros)}
        note="tokens or price not known: reckoned high"
      />
      <Total
        name="Cost unknown"
        value={totals && plural(totals.unknownCalls, 'call')}
        note="not in any sum"
        tone={totals !== undefined && totals.unknownCalls > 0 ? 'text-unknown' : ''}
      />
      <Total
        name="Calls"
        value={totals && formatCount(totals.calls)}
        note={
          totals === undefined
            ? ''
            : `${formatCount(totals.inputTokens)} tokens in (${formatCount(totals.cachedTokens)} cached), ${formatCount(totals.outputTokens)} out`
        }
      />
      {simulated !== '' && (
        <li className="col-span-full bg-surface px-4 py-2 text-xs text-ink-2">
          Exact and estimated cost together: {simulated}.
        </li>
      )}
    </ul>
  );
}

interface TotalProps {
  name: ReactNode;
  value: string | undefined;
  note: string;
  tone?: string;
}

function Total({ name, value, note, tone = '' }: TotalProps) {
  return (
    <li className="bg-surface px-4 py-3">
      <span className="block text-xs text-ink-2">{name}</span>
      <span className={`mt-1 block text-2xl font-semibold tracking-[-0.02em] ${tone}`}>
        {value ?? <Skeleton className="my-2.5 w-20" />}
      </span>
      <span className="block min-h-4 text-xs text-ink-3">{value === undefined ? '' : note}</span>
    </li>
  );
}
