'use client';

import type { Alert } from '@raypher/shared/rest';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { CircleCheck } from 'lucide-react';
import Link from 'next/link';
import { SeverityBadge } from '@/components/badge.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Section } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { usePendingApprovals } from '../approvals/use-pending-approvals.ts';
import { WaitingApprovals } from '../approvals/waiting-approvals.tsx';
import { useWaitingDevices, WaitingDevices } from './waiting-devices.tsx';

const ABOUT_WAITING = new Set(['device/pending', 'device/cloned']);

/** Questions of AI agents, devices that wait for a decision, then open alerts, the gravest first. */
export function NeedsAPerson() {
  const me = useMe();
  const client = useQueryClient();
  const toast = useToast();
  const allowed = me.permissions.includes('alerts:read');
  const { data, error, refetch } = useQuery({
    queryKey: keys.alerts,
    queryFn: () => api.alerts({ state: 'open' }),
    enabled: allowed,
  });
  const resolve = useMutation({
    mutationFn: api.resolveAlert,
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.alerts });
      void client.invalidateQueries({ queryKey: keys.overview });
    },
    onError: (failure) => toast.failed('The alert is still open', failure.message),
  });
  const waiting = useWaitingDevices();
  const questions = usePendingApprovals().data ?? [];
  const shown = new Set([...waiting.pending.first, ...waiting.paused.first].map(({ id }) => id));
  const open = data?.items
    .filter((alert) => alert.resolvedAt === null)
    // The device itself is listed with its decision; when that is made, its alert is to be read and resolved.
    .filter(({ kind, deviceId }) => deviceId === null || !ABOUT_WAITING.has(kind) || !shown.has(deviceId))
    .sort((a, b) => weight(b.severity) - weight(a.severity));
  return (
    <Section
      title="Needs a person"
      id="needs-a-person"
      aside={open !== undefined && <span>{open.length + waiting.total + questions.length} open</span>}
    >
      {!allowed ? (
        <p className="px-4 py-6 text-center text-ink-3">
          Alerts are shown to managers, administrators, auditors and CISOs.
        </p>
      ) : error !== null && open === undefined ? (
        <ErrorState what="The alerts could not be fetched." error={error} retry={() => void refetch()} />
      ) : open === undefined ? (
        <SkeletonRows rows={6} />
      ) : open.length + waiting.total + questions.length === 0 ? (
        <p className="flex items-center justify-center gap-2 px-4 py-10 text-ink-2">
          <CircleCheck aria-hidden="true" className="size-4 text-allowed" /> Nothing waits for you.
        </p>
      ) : (
        <ul className="max-h-[264px] divide-y overflow-y-auto">
          <WaitingApprovals approvals={questions} />
          <WaitingDevices pending={waiting.pending} paused={waiting.paused} />
          {open.map((alert) => (
            <li key={alert.id} className="flex items-start gap-3 px-4 py-2.5">
              <div className="min-w-0 flex-1">
                <p>
                  <SeverityBadge severity={alert.severity} />{' '}
                  {alert.deviceId === null ? (
                    <span className="font-medium">{alert.title}</span>
                  ) : (
                    <Link href={placeOf(alert)} className="rounded-sm font-medium hover:underline">
                      {alert.title}
                    </Link>
                  )}
                </p>
                <p className="mt-0.5 truncate text-xs text-ink-3">
                  {alert.hostname !== null && (
                    <>
                      <DeviceName hostname={alert.hostname} simulated={alert.simulated} /> ·{' '}
                    </>
                  )}
                  <Time at={alert.lastAt} />
                  {/* The title of an alert about incidents says how many there are. */}
                  {alert.occurrences > 1 &&
                    incidentOf(alert) === undefined &&
                    ` · ${alert.occurrences} times`}
                </p>
              </div>
              <GuardedButton
                needs="alerts:resolve"
                size="sm"
                variant="ghost"
                aria-label={`Resolve: ${alert.title}`}
                onClick={() => resolve.mutate(alert.id)}
              >
                Resolve
              </GuardedButton>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** Where an alert is looked at. */
function placeOf(alert: Alert): string {
  const incident = incidentOf(alert);
  return incident === undefined ? `/devices/${alert.deviceId}` : `/incidents?open=${incident}`;
}

function incidentOf({ kind, detail }: Alert): string | undefined {
  return kind === 'dlp.found' && typeof detail.incident === 'string' ? detail.incident : undefined;
}

function weight(severity: 'notice' | 'warning' | 'critical'): number {
  return { notice: 0, warning: 1, critical: 2 }[severity];
}
