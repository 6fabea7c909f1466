import Link from 'next/link';
import { formatCount, plural } from '@/lib/format/format.ts';
import { useNow } from '@/lib/use-now.ts';
import { formatMoney } from '../spend/money.ts';
import { type ConnectionList, spentPerMinute } from './connection-list.ts';

/** How much is going on, and with whom. */
export function TotalsStrip({ list }: { list: ConnectionList }) {
  const now = useNow();
  const open = [...list.shown, ...list.held].filter(({ endedAt }) => endedAt === undefined);
  const perMinute = spentPerMinute(list, now);
  const soFar = open.reduce((sum, { costMicros }) => sum + (costMicros ?? 0), 0);
  const providers = [...Map.groupBy(open, ({ provider }) => provider ?? '')].toSorted(
    ([, a], [, b]) => b.length - a.length,
  );
  const beyond = Math.max(0, list.total - open.length);
  return (
    <dl className="flex shrink-0 flex-wrap items-baseline gap-x-6 gap-y-1 border-b px-4 py-2 lg:px-6">
      <Total
        name="Open"
        note={beyond > 0 ? `${formatCount(beyond)} of them not shown: narrow the view` : undefined}
      >
        {formatCount(Math.max(list.total, open.length))}
      </Total>
      <Total name="Devices telling">{formatCount(list.devices)}</Total>
      <Total name="Cost per minute" note="estimated">
        {perMinute === undefined ? '…' : formatMoney(perMinute)}
      </Total>
      <Total name="Cost of what is open" note="estimated">
        {formatMoney(soFar)}
      </Total>
      {providers.length > 0 && (
        <div className="flex flex-wrap items-baseline gap-x-2">
          <dt className="text-xs text-ink-3">By provider</dt>
          <dd className="flex flex-wrap gap-x-3">
            {providers.slice(0, 5).map(([provider, rows]) =>
              provider === '' ? (
                <span key="" title={plural(rows.length, 'connection')}>
                  other {formatCount(rows.length)}
                </span>
              ) : (
                <Link
                  key={provider}
                  href={`/watchtower?provider=${encodeURIComponent(provider)}`}
                  className="rounded-sm underline decoration-line-strong underline-offset-2 hover:decoration-ink"
                >
                  {provider} {formatCount(rows.length)}
                </Link>
              ),
            )}
          </dd>
        </div>
      )}
    </dl>
  );
}

function Total({ name, note, children }: { name: string; note?: string | undefined; children: string }) {
  return (
    <div className="flex items-baseline gap-2">
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd className="font-semibold">
        {children}
        {note !== undefined && <em className="ml-1 text-xs font-normal text-ink-3 not-italic">{note}</em>}
      </dd>
    </div>
  );
}
