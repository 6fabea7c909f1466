import type { IncidentDetail } from '@raypher/shared/rest';
import Link from 'next/link';
import { Time } from '@/components/time.tsx';
import { formatCount, plural } from '@/lib/format/format.ts';

/** When it happened; each leads to its ledger entry. */
export function Occurrences({ incident }: { incident: IncidentDetail }) {
  const { recent, occurrences } = incident;
  return (
    <section aria-label="Occurrences" className="px-4 py-3">
      <h3 className="font-semibold">{plural(occurrences, 'occurrence')}</h3>
      <ol className="mt-2 grid gap-1">
        {recent.map(({ event }) => (
          <li key={event.position} className="flex items-baseline gap-3">
            <span className="text-ink-2">
              <Time at={event.occurredAt} as="full" />
            </span>
            <Link
              href={`/events?open=${event.deviceId}:${event.seq}`}
              className="rounded-sm text-xs underline-offset-2 hover:underline"
            >
              entry {formatCount(event.seq)}
            </Link>
          </li>
        ))}
      </ol>
      {occurrences > recent.length && (
        <p className="mt-2 text-xs text-ink-3">
          {formatCount(recent.length)} of {formatCount(occurrences)} are listed. All of them are in the
          ledger.
        </p>
      )}
    </section>
  );
}
