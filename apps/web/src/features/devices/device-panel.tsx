'use client';

import { useQuery } from '@tanstack/react-query';
import { DeviceStateBadge, SimulatedBadge } from '@/components/badge.tsx';
import { SidePanel } from '@/components/side-panel.tsx';
import { ErrorState } from '@/components/states.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useWatchDevice } from '@/lib/live/live-provider.tsx';
import { DecisionButtons } from '../identity/decision-buttons.tsx';
import { DeviceFacts } from './device-facts.tsx';
import { DeviceLive } from './device-live.tsx';
import { DevicePosture } from './device-posture.tsx';

/** A device beside the table: what matters first; its page has the rest. */
export function DevicePanel({ id, onClose }: { id: string; onClose: () => void }) {
  useWatchDevice(id);
  const { data, error, refetch } = useQuery({ queryKey: keys.device(id), queryFn: () => api.device(id) });
  return (
    <SidePanel
      title={data?.label ?? data?.hostname ?? 'Device'}
      onClose={onClose}
      href={`/devices/${id}`}
      subtitle={
        data !== undefined && (
          <>
            <DeviceStateBadge device={data} />
            {data.simulated && <SimulatedBadge />}
          </>
        )
      }
    >
      {error !== null && data === undefined ? (
        <ErrorState what="The device could not be fetched." error={error} retry={() => void refetch()} />
      ) : data === undefined ? (
        <SkeletonRows rows={10} />
      ) : (
        <div className="divide-y">
          {(data.status === 'pending' || data.status === 'paused') && (
            <div className="grid gap-2 px-4 py-3">
              <p className="text-ink-2">{data.pauseReason ?? data.identityReason}</p>
              <span className="flex gap-2">
                <DecisionButtons
                  device={data}
                  decisions={data.status === 'pending' ? ['approve', 'refuse'] : ['resume', 'revoke']}
                  size="sm"
                />
              </span>
            </div>
          )}
          <DeviceLive device={data} />
          <DeviceFacts device={data} />
          <DevicePosture posture={data.posture} />
        </div>
      )}
    </SidePanel>
  );
}
