'use client';

import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { OutcomeBadge } from '@/components/badge.tsx';
import { Section } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useLive } from '@/lib/live/live-provider.tsx';
import { actionWords, recordWords, targetWords } from '@/lib/record-words.ts';

const SHOWN = 12;

/** The newest entries of this device's ledger. */
export function DeviceEvents({ deviceId }: { deviceId: string }) {
  const filter = { device: deviceId, limit: SHOWN };
  const { data, error, refetch } = useQuery({
    queryKey: keys.events(filter),
    queryFn: () => api.events(filter),
  });
  useLive('events', ({ items, held }) => {
    if (held > 0 || items.some((event) => event.deviceId === deviceId))
      void refetch({ cancelRefetch: false });
  });
  return (
    <Section
      title="Recent events"
      aside={
        <Link href={`/events?device=${deviceId}`} className="hover:text-ink hover:underline">
          All events
        </Link>
      }
    >
      {error !== null && data === undefined ? (
        <ErrorState what="The events could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={6} />
      ) : data.items.length === 0 ? (
        <p className="px-4 py-6 text-center text-ink-3">No event yet.</p>
      ) : (
        <ul className="divide-y">
          {data.items.map((event) => (
            <li key={event.seq}>
              <Link
                href={`/events?device=${deviceId}&open=${deviceId}:${event.seq}`}
                className="grid grid-cols-[68px_minmax(0,1fr)_auto] items-center gap-3 px-4 py-1.5 -outline-offset-2 hover:bg-hover"
              >
                <span className="text-ink-3">
                  <Time at={event.occurredAt} as="clock" />
                </span>
                <span className="truncate">
                  <span className="font-medium">{event.actor.name}</span>{' '}
                  <span className="text-ink-2">{actionWords(event.action)}</span>{' '}
                  {targetWords(event.type, event.target)}
                </span>
                {event.outcome === null ? (
                  <span className="text-xs text-ink-3" title={event.type}>
                    {recordWords(event.type)}
                  </span>
                ) : (
                  <OutcomeBadge outcome={event.outcome} mode={event.mode} />
                )}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
