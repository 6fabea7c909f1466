'use client';

import { useEffect, useRef } from 'react';
import { PageHeader, Section } from '@/components/page-header.tsx';
import { useAnnounce } from '@/components/shell/announcer.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { plural } from '@/lib/format/format.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { ApprovalHistory } from './approval-history.tsx';
import { QuestionCard } from './question-card.tsx';
import { usePendingApprovals } from './use-pending-approvals.ts';

/** AI agents that wait for a person, and what became of those before. */
export function ApprovalsPage() {
  const me = useMe();
  const allowed = me.permissions.includes('approvals:read');
  const pending = usePendingApprovals();
  useSpokenCount(pending.data?.length);
  return (
    <>
      <PageHeader
        title="Approvals"
        description="AI agents that wait for a person, because a rule wants one asked. Deny when in doubt: they may ask again."
      />
      {!allowed ? (
        <EmptyState title="Not for your role">
          <p>Managers, administrators and CISOs answer questions of AI agents; auditors read them.</p>
        </EmptyState>
      ) : (
        <div className="grid gap-4 px-4 pb-8 lg:px-6">
          <Section
            title="Waiting for an answer"
            aside={pending.data !== undefined && <span>{pending.data.length} waiting</span>}
          >
            {pending.error !== null && pending.data === undefined ? (
              <ErrorState
                what="The questions could not be fetched. Devices go on waiting, each as long as its rule says."
                error={pending.error}
                retry={() => void pending.refetch()}
              />
            ) : pending.data === undefined ? (
              <SkeletonRows rows={6} />
            ) : pending.data.length === 0 ? (
              <EmptyState title="Nobody waits">
                <p>
                  A rule with <code className="font-mono text-xs">effect: prompt</code> in a layer that
                  enforces makes an AI agent wait here for a person.
                </p>
              </EmptyState>
            ) : (
              <ul className="divide-y">
                {pending.data.map((approval) => (
                  <li key={approval.id}>
                    <QuestionCard approval={approval} />
                  </li>
                ))}
              </ul>
            )}
          </Section>
          <ApprovalHistory />
        </div>
      )}
    </>
  );
}

/** Says that questions came, in one sentence however many; not on the first look at the page. */
function useSpokenCount(count: number | undefined): void {
  const announce = useAnnounce();
  const before = useRef<number>(undefined);
  useEffect(() => {
    if (count === undefined) return;
    if (before.current !== undefined && count > before.current) {
      announce(`${plural(count, 'question')} of AI agents ${count === 1 ? 'waits' : 'wait'} for a person.`);
    }
    before.current = count;
  }, [count, announce]);
}
