'use client';

import { Hourglass, Pause } from 'lucide-react';
import Link from 'next/link';
import { Badge } from '@/components/badge.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import { Time } from '@/components/time.tsx';
import { formatCount } from '@/lib/format/format.ts';
import { useWaiting, type WaitingDevices as Waiting } from '../devices/use-waiting.ts';

/**
 * Devices that cannot connect before somebody decides, whether or not the alert about them is still open.
 * The states are read by the parent, which says "nothing waits" only when these are empty too.
 */
export function WaitingDevices({ pending, paused }: { pending: Waiting; paused: Waiting }) {
  return (
    <>
      {paused.first.map((device) => (
        <li key={device.id} className="flex items-start gap-3 px-4 py-2.5">
          <div className="min-w-0 flex-1">
            <p className="flex flex-wrap items-center gap-2">
              <Badge tone="denied" icon={Pause}>
                Paused
              </Badge>
              <Link href={`/devices/${device.id}`} className="rounded-sm font-medium hover:underline">
                <DeviceName hostname={device.label ?? device.hostname} simulated={device.simulated} /> waits
                to be resumed or revoked
              </Link>
            </p>
            <p className="mt-0.5 truncate text-xs text-ink-3">{device.pauseReason}</p>
          </div>
        </li>
      ))}
      {pending.first.map((device) => (
        <li key={device.id} className="flex items-start gap-3 px-4 py-2.5">
          <div className="min-w-0 flex-1">
            <p className="flex flex-wrap items-center gap-2">
              <Badge tone="prompted" icon={Hourglass}>
                Pending
              </Badge>
              <Link href={`/devices/${device.id}`} className="rounded-sm font-medium hover:underline">
                <DeviceName hostname={device.label ?? device.hostname} simulated={device.simulated} /> waits
                for approval
              </Link>
            </p>
            <p className="mt-0.5 truncate text-xs text-ink-3">
              {device.identityReason} · enrolled <Time at={device.enrolledAt} />
            </p>
          </div>
        </li>
      ))}
      <More what="waiting for approval" state="pending" waiting={pending} />
      <More what="paused" state="paused" waiting={paused} />
    </>
  );
}

function More({ what, state, waiting }: { what: string; state: string; waiting: Waiting }) {
  if (waiting.total <= waiting.first.length) return null;
  return (
    <li className="px-4 py-2">
      <Link href={`/devices?state=${state}`} className="rounded-sm text-ink-2 hover:underline">
        All {formatCount(waiting.total)} {what}
      </Link>
    </li>
  );
}

const NONE: Waiting = { total: 0, first: [] };

/** Both kinds of waiting devices, none while it is not known. */
export function useWaitingDevices(): { pending: Waiting; paused: Waiting; total: number } {
  const pending = useWaiting('pending') ?? NONE;
  const paused = useWaiting('paused') ?? NONE;
  return { pending, paused, total: pending.total + paused.total };
}
