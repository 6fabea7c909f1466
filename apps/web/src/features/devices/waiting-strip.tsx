'use client';

import { Hourglass, Pause } from 'lucide-react';
import Link from 'next/link';
import { formatCount } from '@/lib/format/format.ts';
import { useWaiting } from './use-waiting.ts';

/** Above the list of all devices: those that wait for a person, one click away. */
export function WaitingStrip() {
  const pending = useWaiting('pending')?.total ?? 0;
  const paused = useWaiting('paused')?.total ?? 0;
  if (pending + paused === 0) return null;
  return (
    <section
      aria-label="Waiting for a person"
      className="flex shrink-0 flex-wrap items-center gap-x-6 gap-y-1 border-b bg-prompted-soft px-4 py-2 lg:px-6"
    >
      {pending > 0 && (
        <Link href="/devices?state=pending" className="flex items-center gap-2 rounded-sm hover:underline">
          <Hourglass aria-hidden="true" className="size-4 text-prompted" />
          {formatCount(pending)} waiting for approval
        </Link>
      )}
      {paused > 0 && (
        <Link href="/devices?state=paused" className="flex items-center gap-2 rounded-sm hover:underline">
          <Pause aria-hidden="true" className="size-4 text-denied" />
          {formatCount(paused)} paused
        </Link>
      )}
    </section>
  );
}
