'use client';

import type { Approval } from '@raypher/shared/rest';
import Link from 'next/link';
import { DeviceName } from '@/components/device-name.tsx';
import { Countdown } from './countdown.tsx';

const SHOWN = 5;

/** The questions that end first, for lists of all that needs a person. */
export function WaitingApprovals({ approvals }: { approvals: readonly Approval[] }) {
  return (
    <>
      {approvals.slice(0, SHOWN).map((approval) => (
        <li key={approval.id} className="px-4 py-2.5">
          <p className="flex flex-wrap items-center gap-2">
            <Countdown expiresAt={approval.expiresAt} />
            <Link href={`/approvals/${approval.id}`} className="rounded-sm font-medium hover:underline">
              {approval.actor.name} waits for an answer
            </Link>
          </p>
          <p className="mt-0.5 truncate text-xs text-ink-3">
            {approval.action} {approval.target} · <DeviceName {...approval.device} />
          </p>
        </li>
      ))}
      {approvals.length > SHOWN && (
        <li className="px-4 py-2">
          <Link href="/approvals" className="rounded-sm text-ink-2 hover:underline">
            All {approvals.length} questions
          </Link>
        </li>
      )}
    </>
  );
}
