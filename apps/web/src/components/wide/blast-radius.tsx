'use client';

import type { BlastRadiusQuery } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { DeviceName } from '@/components/device-name.tsx';
import { api } from '@/lib/api/client.ts';
import { formatCount, plural } from '@/lib/format/format.ts';
import { ErrorState } from '../states.tsx';
import { Skeleton } from '../ui/skeleton.tsx';

/** Who a wide action would meet, before it is done. Counted anew every few seconds while the question is open. */
export function BlastRadiusView({ query }: { query: BlastRadiusQuery }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['blast-radius', query],
    queryFn: () => api.blastRadius(query),
    refetchInterval: 5_000,
    staleTime: 0,
  });
  if (error !== null && data === undefined) {
    return <ErrorState what="The blast radius is not known." error={error} retry={() => void refetch()} />;
  }
  const waiting = data === undefined ? 0 : data.devices - data.connectedDevices;
  return (
    <section aria-label="Blast radius" className="rounded-lg border bg-canvas">
      <dl className="grid grid-cols-3 divide-x">
        <Count
          name="Devices"
          value={data?.devices}
          note={data === undefined ? '' : `${formatCount(data.connectedDevices)} connected now`}
        />
        <Count name="AI agents" value={data?.aiAgents} note="running or frozen" />
        <Count name="Live connections" value={data?.connections} note="at this moment" />
      </dl>
      {data !== undefined && waiting > 0 && (
        <p className="border-t px-3 py-2 text-xs text-ink-2">
          {plural(waiting, 'device')} not connected: will apply on reconnect.
        </p>
      )}
      {data !== undefined && data.sample.length > 0 && (
        <details className="border-t px-3 py-2 text-xs text-ink-2">
          <summary className="cursor-pointer">
            {data.sample.length < data.devices ? `First ${data.sample.length} of them` : 'Which ones'}
          </summary>
          <ul className="mt-2 grid gap-1">
            {data.sample.map((item) => (
              <li key={`${item.deviceId} ${item.agent ?? ''}`} className="flex justify-between gap-4">
                <DeviceName {...item} />
                <span className="truncate text-ink-3">{item.agent}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
      {data?.devices === 0 && (
        <p className="border-t px-3 py-2 text-xs text-ink-2">
          Nothing matches now. It will apply to what appears later.
        </p>
      )}
    </section>
  );
}

function Count({ name, value, note }: { name: string; value: number | undefined; note: string }) {
  return (
    <div className="px-3 py-2">
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd>
        <span className="text-xl font-semibold">
          {value === undefined ? <Skeleton className="my-2 w-10" /> : formatCount(value)}
        </span>
        <span className="block min-h-4 text-xs text-ink-3">{note}</span>
      </dd>
    </div>
  );
}
