'use client';

import type { LedgerEntryView, LedgerStatus } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { CopyButton, ShortId } from '@/components/copy.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import { Facts } from '@/components/page-header.tsx';
import { SidePanel } from '@/components/side-panel.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { indentJson } from '@/features/events/indent-json.ts';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount } from '@/lib/format/format.ts';
import { EntryProof } from './entry-proof.tsx';
import { summarise } from './entry-summary.ts';

interface EntryPanelProps {
  index: number;
  status: LedgerStatus | undefined;
  onClose: () => void;
}

/** One entry in its place: its proof, its chain, its exact bytes. */
export function EntryPanel({ index, status, onClose }: EntryPanelProps) {
  const { data, error, refetch } = useQuery({
    queryKey: keys.ledgerEntry(index),
    queryFn: () => api.ledgerEntry(index),
  });
  const vkey = status?.vkey ?? null;
  return (
    <SidePanel
      title={`Entry ${formatCount(index)}`}
      onClose={onClose}
      subtitle={data !== undefined && <span className="truncate">{summarise(data).what}</span>}
    >
      {error !== null && data === undefined ? (
        <ErrorState what="The entry could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={10} />
      ) : (
        <div className="divide-y">
          <section aria-label="Proof" className="px-4 py-3">
            <h3 className="mb-2 font-semibold">Proof</h3>
            {vkey === null ? (
              <p className="text-ink-2">No checkpoint is signed yet.</p>
            ) : (
              <EntryProof entry={data} size={status?.checkpoint?.size ?? 0} vkey={vkey} />
            )}
          </section>
          <EntryFacts entry={data} />
          <Bytes text={data.entry} />
        </div>
      )}
    </SidePanel>
  );
}

function EntryFacts({ entry }: { entry: LedgerEntryView }) {
  const { device, control, at, hash, leaf } = entry;
  const { code } = summarise(entry);
  return (
    <Facts
      items={[
        {
          name: 'Recorded by',
          value:
            device === null ? (
              `Control plane, entry ${formatCount(control?.id ?? 0)} of its chain`
            ) : (
              <>
                <Link href={`/devices/${device.id}`} className="rounded-sm hover:underline">
                  <DeviceName {...device} />
                </Link>
                , entry{' '}
                <Link href={`/events?open=${device.id}:${device.seq}`} className="rounded-sm hover:underline">
                  {formatCount(device.seq)}
                </Link>{' '}
                of its chain
              </>
            ),
        },
        ...(code === undefined
          ? []
          : [{ name: 'Code', value: <code className="font-mono text-xs">{code}</code> }]),
        { name: 'When', value: at === null ? 'unknown' : <Time at={at} as="full" /> },
        {
          name: 'Hash',
          value: hash === null ? 'unknown' : <ShortId id={hash} label="entry hash" length={16} />,
        },
        { name: 'Leaf hash', value: <ShortId id={leaf} label="leaf hash" length={16} /> },
      ]}
    />
  );
}

function Bytes({ text }: { text: string | null }) {
  return (
    <section aria-label="Exact entry" className="px-4 py-3">
      <div className="mb-2 flex items-center gap-1">
        <h3 className="font-semibold">Exact entry</h3>
        {text !== null && <CopyButton text={text} label="Copy the exact bytes of the entry" />}
      </div>
      {text === null ? (
        <p className="text-ink-2">It left the database; the archive has it.</p>
      ) : (
        <>
          <p className="mb-2 text-xs text-ink-3">
            Indented here for reading; the copy holds the canonical bytes (RFC 8785) that were hashed.
          </p>
          <pre className="rounded-md border bg-canvas p-3 font-mono text-xs leading-5 break-all whitespace-pre-wrap">
            {indentJson(text)}
          </pre>
        </>
      )}
    </section>
  );
}
