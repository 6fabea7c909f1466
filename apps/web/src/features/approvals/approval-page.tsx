'use client';

import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { NotFound } from '@/components/not-found.tsx';
import { PageHeader } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { isNotFound } from '@/lib/api/error.ts';
import { keys } from '@/lib/api/keys.ts';
import { QuestionCard } from './question-card.tsx';

/** One question by its link, such as a chat message has. Looking decides nothing. */
export function ApprovalPage({ id }: { id: string }) {
  const { data, error, refetch } = useQuery({ queryKey: keys.approval(id), queryFn: () => api.approval(id) });
  if (isNotFound(error) && data === undefined)
    return (
      <NotFound title="There is no such question" back={{ href: '/approvals', label: 'All approvals' }}>
        The address is wrong, or the question belongs to another organisation or team.
      </NotFound>
    );
  return (
    <>
      <PageHeader
        title="Approval"
        actions={
          <Link href="/approvals" className="rounded-sm py-1 text-ink-2 hover:text-ink hover:underline">
            All approvals
          </Link>
        }
      />
      <div className="px-4 pb-8 lg:px-6">
        <div className="max-w-2xl rounded-lg border bg-surface">
          {error !== null && data === undefined ? (
            <ErrorState
              what="The question could not be fetched. The device goes on waiting as long as its rule says."
              error={error}
              retry={() => void refetch()}
            />
          ) : data === undefined ? (
            <SkeletonRows rows={6} />
          ) : (
            <QuestionCard approval={data} />
          )}
        </div>
      </div>
    </>
  );
}
