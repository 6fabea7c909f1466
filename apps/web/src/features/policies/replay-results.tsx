'use client';

import type { ReplayChange, ReplayedPolicy } from '@raypher/shared/rest';
import Link from 'next/link';
import { OutcomeBadge } from '@/components/badge.tsx';
import { Time } from '@/components/time.tsx';
import { formatCount, plural } from '@/lib/format/format.ts';

/** What would have changed: counts first, each opens its events, and what nobody can know. */
export function ReplayResults({ replayed }: { replayed: ReplayedPolicy }) {
  const { requests, unchanged, changes, covered, stoppedBy, notReplayed, unknown } = replayed;
  const changed = requests - unchanged;
  return (
    <div className="grid gap-3">
      <p>
        {requests === 0 ? (
          'No recorded request in this time.'
        ) : (
          <>
            <strong className="font-semibold">
              {changed === 0
                ? `None of ${plural(requests, 'request')} would be decided differently.`
                : `${formatCount(changed)} of ${plural(requests, 'request')} would be decided differently.`}
            </strong>{' '}
            {covered !== null && (
              <span className="text-ink-2">
                Received from <Time at={covered.from} as="full" /> to <Time at={covered.to} as="full" />.
              </span>
            )}
          </>
        )}
      </p>
      {stoppedBy !== null && (
        <p className="text-prompted">
          {stoppedBy === 'limit'
            ? 'Older events of this time were not looked at: there are more than were asked for.'
            : 'Older events of this time were not looked at: it took too long.'}
        </p>
      )}
      {changes.length > 0 && (
        <ul className="grid gap-2">
          {changes.map((change) => (
            <ChangeItem
              key={`${change.ruleBefore} ${change.before} ${change.ruleAfter} ${change.after}`}
              change={change}
            />
          ))}
        </ul>
      )}
      <details className="text-xs text-ink-2">
        <summary className="cursor-pointer py-1">What this cannot know</summary>
        <ul className="mt-1 grid list-disc gap-1 pl-4">
          {notReplayed > 0 && (
            <li>{plural(notReplayed, 'event')} recorded too little to be decided again.</li>
          )}
          {unknown.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      </details>
    </div>
  );
}

function ChangeItem({ change }: { change: ReplayChange }) {
  return (
    <li className="rounded-md border bg-surface">
      <details>
        <summary className="flex cursor-pointer flex-wrap items-center gap-x-2 gap-y-1 px-3 py-2">
          <span className="min-w-10 text-right font-semibold tabular-nums">{formatCount(change.count)}</span>
          <OutcomeBadge outcome={change.before} mode="enforce" />
          <span aria-hidden="true">→</span>
          <span className="sr-only">becomes</span>
          <OutcomeBadge outcome={change.after} mode="enforce" />
          <span className="text-xs text-ink-2">
            {change.direction}; <code className="font-mono">{change.ruleBefore}</code> →{' '}
            <code className="font-mono">{change.ruleAfter}</code>
          </span>
        </summary>
        {change.examples.length === 0 ? (
          <p className="border-t px-3 py-2 text-xs text-ink-2">You may not read events.</p>
        ) : (
          <ul className="border-t px-3 py-2 text-xs">
            {change.examples.map(({ deviceId, seq, at, actor, action, target }) => (
              <li key={`${deviceId}:${seq}`} className="flex flex-wrap gap-x-2">
                <Link
                  href={`/events?open=${deviceId}:${seq}`}
                  className="break-all text-accent hover:underline"
                >
                  {action} {target}
                </Link>
                <span className="text-ink-2">{actor}</span>
                <span className="ml-auto text-ink-3">
                  <Time at={at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </details>
    </li>
  );
}
