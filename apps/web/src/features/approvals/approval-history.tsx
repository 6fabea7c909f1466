'use client';

import { useInfiniteQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { DeviceName } from '@/components/device-name.tsx';
import { Section } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { Button } from '@/components/ui/button.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { ApprovalStateBadge } from './approval-state-badge.tsx';
import { endSentence } from './approval-words.ts';

const PAGE = 25;

/** How earlier questions ended. */
export function ApprovalHistory() {
  const filter = { state: 'ended' } as const;
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: keys.approvals({ ...filter, list: 'history' }),
    queryFn: ({ pageParam }) =>
      api.approvals({ ...filter, limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  });
  const ended = data?.pages.flatMap(({ items }) => items);
  return (
    <Section title="History">
      {error !== null && ended === undefined ? (
        <ErrorState what="The history could not be fetched." error={error} retry={() => void refetch()} />
      ) : ended === undefined ? (
        <SkeletonRows rows={4} />
      ) : ended.length === 0 ? (
        <p className="px-4 py-6 text-center text-ink-3">No question has ended yet.</p>
      ) : (
        <>
          <ul className="divide-y">
            {ended.map((approval) => (
              <li
                key={approval.id}
                className="grid gap-1 px-4 py-2.5 sm:grid-cols-[160px_minmax(0,1fr)_auto] sm:gap-3"
              >
                <span>
                  <ApprovalStateBadge state={approval.state} />
                </span>
                <div className="min-w-0">
                  <Link
                    href={`/approvals/${approval.id}`}
                    className="rounded-sm font-medium break-words underline-offset-2 hover:underline"
                  >
                    {approval.actor.name}: {approval.action} {approval.target}
                  </Link>
                  <p className="text-ink-2">{endSentence(approval)}</p>
                  <p className="text-xs text-ink-3">
                    <DeviceName {...approval.device} /> · rule {approval.rule}
                  </p>
                </div>
                <span className="text-xs text-ink-3">
                  <Time at={approval.end?.at ?? approval.expiresAt} />
                </span>
              </li>
            ))}
          </ul>
          {hasNextPage && (
            <div className="border-t px-4 py-2.5 text-center">
              <Button size="sm" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                {isFetchingNextPage ? 'Fetching' : 'Show older ones'}
              </Button>
            </div>
          )}
        </>
      )}
    </Section>
  );
}
