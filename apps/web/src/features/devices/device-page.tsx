'use client';

import { useQuery } from '@tanstack/react-query';
import { ChevronLeft } from 'lucide-react';
import Link from 'next/link';
import { DeviceStateBadge, SimulatedBadge } from '@/components/badge.tsx';
import { PageHeader, Section } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { isNotFound } from '@/lib/api/error.ts';
import { keys } from '@/lib/api/keys.ts';
import { useWatchDevice } from '@/lib/live/live-provider.tsx';
import { IdentityBanner } from '../identity/identity-banner.tsx';
import { IdentitySection } from '../identity/identity-section.tsx';
import { DeviceSecrets } from '../secrets/device-secrets.tsx';
import { DeviceActions } from './device-actions.tsx';
import { DeviceAgents } from './device-agents.tsx';
import { DeviceCertificates } from './device-certificates.tsx';
import { DeviceCommands } from './device-commands.tsx';
import { DeviceEvents } from './device-events.tsx';
import { DeviceFacts } from './device-facts.tsx';
import { DeviceLive } from './device-live.tsx';
import { DeviceNotFound } from './device-not-found.tsx';
import { DevicePosture } from './device-posture.tsx';

export function DevicePage({ id }: { id: string }) {
  useWatchDevice(id);
  const {
    data: device,
    error,
    refetch,
  } = useQuery({
    queryKey: keys.device(id),
    queryFn: () => api.device(id),
    // Heartbeats come every 5 seconds while this page watches.
    refetchInterval: 5_000,
  });
  if (isNotFound(error) && device === undefined) return <DeviceNotFound />;
  if (error !== null && device === undefined) {
    return <ErrorState what="The device could not be fetched." error={error} retry={() => void refetch()} />;
  }
  return (
    <>
      <div className="px-4 pt-3 lg:px-6">
        <Link
          href="/devices"
          className="inline-flex h-6 items-center gap-1 rounded-sm text-ink-3 hover:text-ink"
        >
          <ChevronLeft aria-hidden="true" className="size-3.5" /> Devices
        </Link>
      </div>
      <PageHeader
        title={
          <>
            {device?.label ?? device?.hostname ?? 'Device'}
            {device !== undefined && <DeviceStateBadge device={device} />}
            {device?.simulated === true && <SimulatedBadge />}
          </>
        }
        description={
          device === undefined
            ? ' '
            : `${device.label === null ? '' : `${device.hostname} · `}${device.os} · ${device.team?.name ?? 'no team'}`
        }
        actions={device !== undefined && <DeviceActions device={device} />}
      />
      {device !== undefined && <IdentityBanner device={device} />}
      <div className="grid items-start gap-4 px-4 pb-8 lg:px-6 xl:grid-cols-[minmax(0,2fr)_minmax(340px,1fr)]">
        <div className="grid gap-4">
          <DeviceAgents deviceId={id} />
          {device === undefined ? (
            <Section title="Identity">
              <SkeletonRows rows={6} />
            </Section>
          ) : (
            <IdentitySection device={device} />
          )}
          <DeviceEvents deviceId={id} />
          <DeviceCommands deviceId={id} />
        </div>
        <div className="grid gap-4">
          <Section title="Now">
            {device === undefined ? <SkeletonRows rows={3} /> : <DeviceLive device={device} />}
          </Section>
          <Section title="Posture">
            {device === undefined ? <SkeletonRows rows={4} /> : <DevicePosture posture={device.posture} />}
          </Section>
          {device !== undefined && <DeviceSecrets device={device} />}
          <Section title="About">
            {device === undefined ? <SkeletonRows rows={8} /> : <DeviceFacts device={device} />}
          </Section>
          <Section title="Certificates">
            {device === undefined ? (
              <SkeletonRows rows={2} />
            ) : (
              <DeviceCertificates certificates={device.certificates} />
            )}
          </Section>
        </div>
      </div>
    </>
  );
}
