'use client';

import type { Rollout, RolloutPhase } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { DeviceName } from '@/components/device-name.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatDuration, plural } from '@/lib/format/format.ts';
import { ErrorState } from '../states.tsx';
import { SkeletonRows } from '../ui/skeleton.tsx';
import { count } from './rollout-status.ts';

/** The devices behind one count, each with its reason. */
export function RolloutDevices({ rollout, phase }: { rollout: Rollout; phase: RolloutPhase }) {
  const { data, error, refetch } = useQuery({
    // The count is part of the key: when it changes, the rows are fetched again.
    queryKey: [...keys.rolloutDevices(rollout.id, phase), count(rollout, phase)],
    queryFn: () => api.rolloutDevices(rollout.id, { phase, limit: 100 }),
    placeholderData: (before) => before,
  });
  if (error !== null && data === undefined) {
    return (
      <ErrorState
        what="The devices of this phase are not known."
        error={error}
        retry={() => void refetch()}
      />
    );
  }
  if (data === undefined) return <SkeletonRows rows={3} />;
  return (
    <div className="overflow-hidden rounded-lg border">
      <table className="w-full text-left" aria-label={`Devices: ${phase}`}>
        <thead className="text-xs text-ink-3">
          <tr className="border-b">
            <th className="px-3 py-1.5 font-normal">Device</th>
            <th className="px-3 py-1.5 font-normal">Why</th>
            <th className="px-3 py-1.5 text-right font-normal">After</th>
          </tr>
        </thead>
        <tbody>
          {data.items.map((device) => (
            <tr key={device.deviceId} className="border-b last:border-0">
              <td className="px-3 py-1.5">
                <Link href={`/devices/${device.deviceId}`} className="rounded-sm font-medium hover:underline">
                  <DeviceName {...device} />
                </Link>
              </td>
              <td className="px-3 py-1.5 text-ink-2">
                {reasonOf(device, phase)}
                {rollout.kind === 'freeze' &&
                  device.affected > 0 &&
                  ` · ${plural(device.affected, 'process', 'processes')}`}
                {device.code !== '' && (
                  <code className="ml-2 font-mono text-xs text-ink-3">{device.code}</code>
                )}
              </td>
              <td className="px-3 py-1.5 text-right whitespace-nowrap text-ink-2">
                {device.afterMs === null ? '–' : formatDuration(device.afterMs)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {data.next !== null && (
        <p className="border-t px-3 py-1.5 text-xs text-ink-3">The first {data.items.length} are shown.</p>
      )}
    </div>
  );
}

function reasonOf(device: { detail: string }, phase: RolloutPhase): string {
  if (device.detail !== '') return device.detail;
  return phase === 'unreachable' ? 'Not connected; will apply on reconnect' : '';
}
