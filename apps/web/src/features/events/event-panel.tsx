'use client';

import type { EventDetail } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { OutcomeBadge, SeverityBadge, SimulatedBadge } from '@/components/badge.tsx';
import { CopyButton, ShortId } from '@/components/copy.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import { Facts } from '@/components/page-header.tsx';
import { SidePanel } from '@/components/side-panel.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount } from '@/lib/format/format.ts';
import { actionWords, recordWords, targetWords } from '@/lib/record-words.ts';
import { indentJson } from './indent-json.ts';
import { Why } from './why.tsx';

/** One entry: why its verdict came out so, and the exact bytes with their hash. */
export function EventPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const [device = '', seqText = ''] = id.split(':');
  const seq = Number(seqText);
  const valid = device !== '' && Number.isInteger(seq) && seq > 0;
  const { data, error, refetch } = useQuery({
    queryKey: keys.event(device, seq),
    queryFn: () => api.event(device, seq),
    enabled: valid,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <SidePanel
      title={
        data === undefined ? 'Event' : `${actionWords(data.action)} ${targetWords(data.type, data.target)}`
      }
      onClose={onClose}
      subtitle={
        data !== undefined && (
          <>
            {data.outcome === null ? (
              <SeverityBadge severity={data.severity} />
            ) : (
              <OutcomeBadge outcome={data.outcome} mode={data.mode} />
            )}
            <span>{recordWords(data.type)}</span>
            {data.simulated && <SimulatedBadge />}
          </>
        )
      }
    >
      {!valid ? (
        <p className="px-4 py-6 text-ink-2">This link does not name an event.</p>
      ) : error !== null && data === undefined ? (
        <ErrorState what="The entry could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={10} />
      ) : (
        <div className="divide-y">
          <Why event={data} />
          <EventFacts event={data} />
          <section aria-label="Exact entry" className="px-4 py-3">
            <div className="mb-2 flex items-center gap-1">
              <h3 className="font-semibold">Exact entry</h3>
              <CopyButton text={data.entry} label="Copy the exact bytes of the entry" />
            </div>
            <p className="mb-2 text-xs text-ink-3">
              Indented here for reading; the copy holds the canonical bytes (RFC 8785) that the hash was
              computed over.
            </p>
            <pre className="rounded-md border bg-canvas p-3 font-mono text-xs leading-5 break-all whitespace-pre-wrap">
              {indentJson(data.entry)}
            </pre>
          </section>
        </div>
      )}
    </SidePanel>
  );
}

function EventFacts({ event }: { event: EventDetail }) {
  return (
    <Facts
      items={[
        { name: 'Actor', value: `${event.actor.name} (${event.actor.kind})` },
        {
          name: 'Device',
          value: (
            <Link href={`/devices/${event.deviceId}`} className="rounded-sm hover:underline">
              <DeviceName {...event} />
            </Link>
          ),
        },
        { name: 'Happened', value: <Time at={event.occurredAt} as="full" /> },
        { name: 'Recorded', value: <Time at={event.receivedAt} as="full" /> },
        { name: 'Entry', value: `${formatCount(event.seq)} of this device's ledger` },
        { name: 'Code', value: <code className="font-mono text-xs">{event.type}</code> },
        { name: 'Hash', value: <ShortId id={event.hash} label="entry hash" length={16} /> },
      ]}
    />
  );
}
