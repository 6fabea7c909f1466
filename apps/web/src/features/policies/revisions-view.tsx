'use client';

import type { PolicyRevision, Rollout } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck } from 'lucide-react';
import { useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { Button } from '@/components/ui/button.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { api } from '@/lib/api/client.ts';
import { isNotFound } from '@/lib/api/error.ts';
import { keys } from '@/lib/api/keys.ts';
import { usePages } from '@/lib/api/use-pages.ts';
import { cn } from '@/lib/cn.ts';
import { useUrlState } from '@/lib/use-url-state.ts';
import type { Draft } from './draft.ts';
import { RevisionDetail } from './revision-detail.tsx';
import { RollbackDialog } from './rollback-dialog.tsx';
import type { PolicyDraft } from './use-policy-draft.ts';

const REVISION = /^[1-9]\d{0,8}$/;

interface RevisionsViewProps {
  draft: PolicyDraft;
  onEdit: (documents: Draft, tests: Draft) => void;
}

/** Every revision with who, why and how far it came; any of them can be deployed again. */
export function RevisionsView({ draft, onEdit }: RevisionsViewProps) {
  const url = useUrlState();
  const [rollback, setRollback] = useState<PolicyRevision | null>(null);
  const revisions = usePages<PolicyRevision>(keys.revisions, (cursor) =>
    api.revisions({ cursor, limit: 50 }),
  );
  // A link may name one that is further back than the list goes so far.
  const asked = url.get('revision');
  const older = useQuery({
    queryKey: keys.revision(Number(asked)),
    queryFn: () => api.revision(Number(asked)),
    enabled: REVISION.test(asked),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const rollouts = useQuery({ queryKey: keys.rollouts, queryFn: () => api.rollouts({ limit: 100 }) });
  if (revisions.error !== null && revisions.data === undefined) {
    return (
      <ErrorState
        what="The revisions could not be fetched."
        error={revisions.error}
        retry={() => void revisions.refetch()}
      />
    );
  }
  if (revisions.isPending) return <SkeletonRows rows={6} />;
  const listed =
    asked === '' ? revisions.rows[0] : revisions.rows.find(({ revision }) => String(revision) === asked);
  const selected = listed ?? older.data;
  if (revisions.rows.length === 0) {
    return (
      <EmptyState title="No revision yet">
        <p>The first deploy creates revision 1.</p>
      </EmptyState>
    );
  }
  const rolloutOf = (revision: number): Rollout | undefined =>
    rollouts.data?.items.find((rollout) => rollout.kind === 'policy' && rollout.revision === revision);
  return (
    <div className="grid flex-1 grid-cols-[minmax(0,1fr)] grid-rows-[max-content_1fr] md:min-h-0 md:grid-cols-[280px_minmax(0,1fr)] md:grid-rows-1">
      <ul
        aria-label="Revisions"
        className="max-h-60 overflow-y-auto border-x border-b bg-surface md:mb-4 md:max-h-none md:rounded-bl-lg"
      >
        {revisions.rows.map((revision) => (
          <li key={revision.revision} className="border-b last:border-0">
            <button
              type="button"
              aria-pressed={revision.revision === selected?.revision}
              onClick={() => url.set({ revision: String(revision.revision) })}
              className={cn(
                'block w-full px-3 py-2 text-left -outline-offset-2 hover:bg-hover',
                revision.revision === selected?.revision && 'bg-raised',
              )}
            >
              <span className="flex items-center gap-2">
                <span className="font-medium">Revision {revision.revision}</span>
                {revision.running && (
                  <Badge tone="allowed" icon={CircleCheck}>
                    Running
                  </Badge>
                )}
                {revision.stage !== null && <Badge tone="accent">Staged</Badge>}
                <span className="ml-auto text-xs text-ink-3">
                  <Time at={revision.createdAt} />
                </span>
              </span>
              <span className="block truncate text-xs text-ink-3">{revision.reason}</span>
            </button>
          </li>
        ))}
        {revisions.hasNextPage && (
          <li>
            <button
              type="button"
              onClick={revisions.more}
              className="w-full px-3 py-2 text-ink-2 hover:bg-hover"
            >
              Older revisions
            </button>
          </li>
        )}
      </ul>
      {selected !== undefined ? (
        <RevisionDetail
          key={selected.revision}
          revision={selected}
          rollout={rolloutOf(selected.revision)}
          running={draft.base}
          onRollback={() => setRollback(selected)}
          onEdit={onEdit}
        />
      ) : older.error !== null && !isNotFound(older.error) ? (
        <ErrorState
          what="The revision could not be fetched."
          error={older.error}
          retry={() => void older.refetch()}
        />
      ) : older.error !== null || !REVISION.test(asked) ? (
        <EmptyState
          title="There is no such revision"
          action={<Button onClick={() => url.set({ revision: null })}>Show the newest revision</Button>}
        >
          <p>The address names a revision of the policy that was never deployed here.</p>
        </EmptyState>
      ) : (
        <SkeletonRows rows={6} />
      )}
      {rollback !== null && <RollbackDialog revision={rollback} onClose={() => setRollback(null)} />}
    </div>
  );
}
