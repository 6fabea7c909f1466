'use client';

import { useQuery } from '@tanstack/react-query';
import { Rocket, Undo2 } from 'lucide-react';
import { useDeferredValue, useMemo, useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { PageHeader } from '@/components/page-header.tsx';
import { ErrorState } from '@/components/states.tsx';
import { Time } from '@/components/time.tsx';
import { Button } from '@/components/ui/button.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { Tabs } from '@/components/ui/tabs.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { oneOf, useUrlState } from '@/lib/use-url-state.ts';
import { ChangesView } from './changes-view.tsx';
import { DeployDialog } from './deploy-dialog.tsx';
import { draftMistakes } from './draft-mistakes.ts';
import { DriftNotice } from './drift-notice.tsx';
import { EditView } from './edit-view.tsx';
import { ExceptionsView } from './exceptions-view.tsx';
import { ReplayView } from './replay-view.tsx';
import { RevisionsView } from './revisions-view.tsx';
import { StageNotice } from './stage-notice.tsx';
import { StaleNotice } from './stale-notice.tsx';
import { TestsView } from './tests-view.tsx';
import { usePolicyDraft } from './use-policy-draft.ts';

const VIEWS = ['edit', 'tests', 'changes', 'replay', 'exceptions', 'revisions'] as const;

/** Write, compare, deploy, roll back. */
export function PoliciesPage() {
  const url = useUrlState();
  const me = useMe();
  const view = oneOf(url.get('view'), VIEWS) ?? 'edit';
  const [deploying, setDeploying] = useState(false);
  const running = useQuery({ queryKey: keys.runningPolicy, queryFn: api.runningPolicy });
  const draft = usePolicyDraft(me.organisation.id, running.data);
  // A pause behind the typing, as the check beside the editor.
  const [source, tests] = [useDeferredValue(draft.draft), useDeferredValue(draft.tests)];
  const mistakes = useMemo(() => draftMistakes(source, tests), [source, tests]);
  const stale = running.data !== undefined && draft.isEdited && draft.basedOn !== running.data.revision;

  return (
    <>
      <PageHeader
        title="Policies"
        description={
          running.data === undefined ? (
            'Rules for the AI agents of the whole organisation and of its teams.'
          ) : (
            <>
              Running: revision {running.data.revision}, deployed by {running.data.createdBy}{' '}
              <Time at={running.data.createdAt} />
            </>
          )
        }
        actions={
          <>
            {draft.isEdited && (
              <Button onClick={draft.discard}>
                <Undo2 /> Discard changes
              </Button>
            )}
            <GuardedButton
              needs="policies:deploy"
              variant="primary"
              blockedBecause={
                running.data === undefined
                  ? 'The running revision is being fetched.'
                  : running.data.open !== null
                    ? 'Some devices have a staged revision. Promote or withdraw it first.'
                    : draft.isEdited
                      ? mistakes
                      : 'Nothing differs from the running revision. Edit a policy first.'
              }
              onClick={() => setDeploying(true)}
            >
              <Rocket /> Deploy Global
            </GuardedButton>
          </>
        }
      />
      {running.data?.open != null && <StageNotice open={running.data.open} />}
      {running.data?.drift != null && <DriftNotice drift={running.data.drift} />}
      {stale && running.data !== undefined && (
        <StaleNotice running={running.data} basedOn={draft.basedOn} onRebase={draft.rebase} />
      )}
      {running.error !== null && running.data === undefined ? (
        <ErrorState
          what="The running policy could not be fetched. Devices keep enforcing it."
          error={running.error}
          retry={() => void running.refetch()}
        />
      ) : (
        <div className="room-for-rows flex flex-1 flex-col px-4 lg:px-6">
          <Tabs
            label="Policy views"
            value={view}
            onChange={(next) => url.set({ view: next === 'edit' ? null : next })}
            tabs={[
              { value: 'edit', label: 'Edit' },
              { value: 'tests', label: 'Tests' },
              {
                value: 'changes',
                label: (
                  <>
                    Changes {draft.changed.length > 0 && <Badge tone="accent">{draft.changed.length}</Badge>}
                  </>
                ),
              },
              { value: 'replay', label: 'What would have changed' },
              { value: 'exceptions', label: 'Exceptions' },
              { value: 'revisions', label: 'Revisions' },
            ]}
          >
            {view === 'edit' && <EditView draft={draft} loading={running.data === undefined} />}
            {running.data === undefined && view !== 'edit' && <SkeletonRows rows={6} />}
            {view === 'tests' && running.data !== undefined && <TestsView draft={draft} />}
            {view === 'replay' && running.data !== undefined && <ReplayView draft={draft} />}
            {view === 'exceptions' && running.data !== undefined && <ExceptionsView running={running.data} />}
            {view === 'changes' && running.data !== undefined && <ChangesView draft={draft} />}
            {view === 'revisions' && running.data !== undefined && (
              <RevisionsView
                draft={draft}
                onEdit={(documents, tests) => {
                  draft.replace(documents, tests);
                  url.set({ view: null, revision: null });
                }}
              />
            )}
          </Tabs>
        </div>
      )}
      {deploying && <DeployDialog draft={draft} onClose={() => setDeploying(false)} />}
    </>
  );
}
