'use client';

import type { Approval } from '@raypher/shared/rest';
import { Check, Users, X } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Facts } from '@/components/page-header.tsx';
import { Time } from '@/components/time.tsx';
import { useMe } from '@/lib/me/me-provider.tsx';
import { ApprovalStateBadge } from './approval-state-badge.tsx';
import { endSentence, reachWords } from './approval-words.ts';
import { Countdown } from './countdown.tsx';
import { DecideDialog } from './decide-dialog.tsx';

/** One question: who wants what, where, why a person is asked, and the answer. Made to be read on a phone. */
export function QuestionCard({ approval }: { approval: Approval }) {
  const me = useMe();
  const [deciding, setDeciding] = useState<'allow' | 'deny'>();
  const { actor, action, target, device, votes, state } = approval;
  const ownYes = votes.some(({ userId, outcome }) => userId === me.id && outcome === 'allow');
  const name = `${actor.name}: ${action} ${target}`;
  return (
    <article aria-label={name} className="grid gap-3 px-4 py-4">
      <div className="flex flex-wrap items-center gap-2">
        {state === 'pending' ? (
          <Countdown expiresAt={approval.expiresAt} />
        ) : (
          <ApprovalStateBadge state={state} />
        )}
        <span className="text-xs text-ink-3">
          asked <Time at={approval.askedAt} />
        </span>
        <Link
          href={`/approvals/${approval.id}`}
          className="ml-auto rounded-sm py-1 text-xs text-ink-3 hover:text-ink hover:underline"
        >
          Link to this question
        </Link>
      </div>
      <div className="min-w-0">
        <p className="text-base font-semibold break-words">
          {actor.name} <span className="font-normal text-ink-2">wants to {action}</span>
        </p>
        <p className="mt-0.5 font-mono text-sm break-all">{target}</p>
      </div>
      <div className="-mx-4 -my-1">
        <Facts
          items={[
            { name: 'Why', value: approval.reason === '' ? 'The rule gives no reason.' : approval.reason },
            {
              name: 'Rule',
              value: (
                <>
                  <code className="font-mono text-xs">{approval.rule}</code>
                  {' · '}
                  <Link
                    href={`/policies?view=revisions&revision=${approval.revision}`}
                    className="rounded-sm underline-offset-2 hover:underline"
                  >
                    {approval.layer}, revision {approval.revision}
                  </Link>
                </>
              ),
            },
            {
              name: 'Where',
              value: (
                <>
                  <Link
                    href={`/devices/${device.id}`}
                    className="rounded-sm underline-offset-2 hover:underline"
                  >
                    <DeviceName {...device} />
                  </Link>
                  {device.team !== null && ` · ${device.team}`}
                  {actor.user !== null && ` · user ${actor.user}`}
                  {actor.pid !== null && ` · pid ${actor.pid}`}
                </>
              ),
            },
            ...detailFacts(approval.details),
            {
              name: 'If nobody answers',
              value: approval.onTimeout === 'ALLOW' ? 'It is let through.' : 'It is refused.',
            },
            {
              name: 'Proof',
              value: (
                <Link
                  href={`/events?device=${device.id}&open=${device.id}:${approval.seq}`}
                  className="rounded-sm underline-offset-2 hover:underline"
                >
                  ledger entry {approval.seq}
                </Link>
              ),
            },
          ]}
        />
      </div>
      {(approval.approversNeeded > 1 || votes.length > 0) && <Votes approval={approval} />}
      {state === 'pending' ? (
        <div className="grid grid-cols-2 gap-2 sm:flex">
          <GuardedButton
            needs="approvals:decide"
            variant="primary"
            className="h-11 sm:h-8"
            aria-label={`Allow ${name}`}
            blockedBecause={ownYes ? 'You have allowed it: another person must as well.' : undefined}
            onClick={() => setDeciding('allow')}
          >
            <Check /> Allow
          </GuardedButton>
          <GuardedButton
            needs="approvals:decide"
            variant="danger"
            className="h-11 sm:h-8"
            aria-label={`Deny ${name}`}
            onClick={() => setDeciding('deny')}
          >
            <X /> Deny
          </GuardedButton>
        </div>
      ) : (
        <p className="text-ink-2">{endSentence(approval)}</p>
      )}
      {deciding !== undefined && (
        <DecideDialog approval={approval} outcome={deciding} onClose={() => setDeciding(undefined)} />
      )}
    </article>
  );
}

function detailFacts(details: Approval['details']) {
  return Object.entries(details ?? {}).map(([name, value]) => ({
    name: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    value: Array.isArray(value) ? value.join(', ') : String(value),
  }));
}

function Votes({ approval: { votes, approversNeeded, state } }: { approval: Approval }) {
  const allowed = votes.filter(({ outcome }) => outcome === 'allow').length;
  return (
    <div className="grid gap-1 rounded-md border bg-canvas px-3 py-2">
      {approversNeeded > 1 && (
        <p className="flex items-center gap-2">
          <Badge tone="accent" icon={Users}>
            Four eyes
          </Badge>
          {allowed} of {approversNeeded} people allowed it
          {state === 'pending' && allowed < approversNeeded && '; one denial is enough'}
        </p>
      )}
      <ul className="grid gap-1">
        {votes.map((vote) => (
          <li key={`${vote.userId}${vote.at}`} className="text-ink-2">
            <span className="font-medium text-ink">{vote.by}</span>{' '}
            {vote.outcome === 'allow' ? `allowed it ${reachWords(vote)}` : `denied it ${reachWords(vote)}`}:{' '}
            {vote.reason}
          </li>
        ))}
      </ul>
    </div>
  );
}
