'use client';

import { documentsFor, type ListedException, listExceptions } from '@raypher/policy';
import type { RunningPolicy } from '@raypher/shared/rest';
import { CalendarClock, CalendarX, CircleCheck } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { EmptyState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { plural } from '@/lib/format/format.ts';
import { useNow } from '@/lib/use-now.ts';
import { GLOBAL } from './draft.ts';
import { useOwner } from './use-owner.ts';

const DAY_MS = 86_400_000;
/** From here on the end is spoken of; an alert is raised at the same time. */
const SOON_DAYS = 3;

/** Every exception of the running policy: whose it is, from what, and until when. */
export function ExceptionsView({ running }: { running: RunningPolicy }) {
  const now = useNow(60_000);
  const { nameOf } = useOwner();
  const rows = running.documents
    .flatMap(({ layer, team, source }) =>
      listExceptions(
        documentsFor([{ layer, ...(team === undefined ? {} : { team }), source }], team),
        now,
      ).map((exception) => ({ owner: team ?? GLOBAL, exception })),
    )
    .toSorted((a, b) => Date.parse(a.exception.expires) - Date.parse(b.exception.expires));
  if (rows.length === 0) {
    return (
      <EmptyState title="No exception is in force">
        <p>
          An exception is a narrow permission inside a ban, with an owner and an end. Write one under
          exceptions.
        </p>
      </EmptyState>
    );
  }
  return (
    // On a narrow page it scrolls sideways, for which a keyboard needs the focus on it.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to take the focus
    <section aria-label="Exceptions in force" tabIndex={0} className="overflow-auto py-4">
      <table aria-label="Exceptions" className="w-full min-w-[640px] border bg-surface text-left">
        <thead className="text-xs text-ink-3">
          <tr className="border-b">
            {['Exception', 'Ends', 'From', 'Owner', 'Why'].map((name) => (
              <th key={name} scope="col" className="px-3 py-1.5 font-normal">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ owner, exception }) => (
            <tr key={`${owner} ${exception.id}`} className="border-b align-top last:border-0">
              <td className="px-3 py-2">
                <code className="font-mono text-xs">{exception.id}</code>
                <span className="block text-xs text-ink-3">{nameOf(owner)}</span>
              </td>
              <td className="px-3 py-2 whitespace-nowrap">
                {now > 0 && <EndBadge exception={exception} now={now} />}
                <span className="block text-xs text-ink-3">
                  <Time at={exception.expires} as="full" />
                </span>
              </td>
              <td className="px-3 py-2 font-mono text-xs">{exception.rules.join(', ')}</td>
              <td className="px-3 py-2">{exception.owner}</td>
              <td className="px-3 py-2 text-ink-2">{exception.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function EndBadge({ exception, now }: { exception: ListedException; now: number }) {
  const days = Math.ceil((Date.parse(exception.expires) - now) / DAY_MS);
  if (days <= 0) {
    return (
      <Badge tone="unknown" icon={CalendarX}>
        Ended
      </Badge>
    );
  }
  return days <= SOON_DAYS ? (
    <Badge tone="prompted" icon={CalendarClock}>
      Ends in {plural(days, 'day')}
    </Badge>
  ) : (
    <Badge tone="allowed" icon={CircleCheck}>
      In force, {plural(days, 'day')} left
    </Badge>
  );
}
