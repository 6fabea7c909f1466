'use client';

import type { OpenStage } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { Rocket, Split, Undo2 } from 'lucide-react';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Time } from '@/components/time.tsx';
import { RolloutProgress } from '@/components/wide/rollout-progress.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { PromoteDialog } from './promote-dialog.tsx';
import { stageText } from './stage-text.ts';
import { WithdrawDialog } from './withdraw-dialog.tsx';

/** Some devices have a revision that all others do not: how far it is, and both ways on. */
export function StageNotice({ open }: { open: OpenStage }) {
  const { revision, rolloutId } = open;
  const [deciding, setDeciding] = useState<'promote' | 'withdraw' | undefined>(undefined);
  const rollout = useQuery({ queryKey: keys.rollout(rolloutId), queryFn: () => api.rollout(rolloutId) });
  return (
    <section
      aria-label="Staged rollout"
      className="mx-4 mb-2 grid gap-3 rounded-lg border border-line-strong bg-accent-soft px-4 py-2.5 lg:mx-6"
    >
      <div className="flex flex-wrap items-center gap-3">
        <Split aria-hidden="true" className="size-4 shrink-0 text-accent" />
        <p className="min-w-0 flex-1">
          <strong className="font-semibold">
            Revision {revision.revision} is on{' '}
            {revision.stage === null ? 'some devices' : stageText(revision.stage)} only,
          </strong>{' '}
          deployed by {revision.createdBy} <Time at={revision.createdAt} />. All others keep the running
          revision.
          {revision.stage !== null &&
            ` Withdrawn by itself when ${revision.stage.haltAtPercent} % refuse it.`}
        </p>
        <div className="flex flex-wrap gap-2">
          <GuardedButton needs="policies:deploy" size="sm" onClick={() => setDeciding('withdraw')}>
            <Undo2 /> Withdraw
          </GuardedButton>
          <GuardedButton
            needs="policies:deploy"
            size="sm"
            variant="primary"
            onClick={() => setDeciding('promote')}
          >
            <Rocket /> Promote
          </GuardedButton>
        </div>
      </div>
      {rollout.data !== undefined && <RolloutProgress initial={rollout.data} />}
      {deciding === 'promote' && (
        <PromoteDialog revision={revision.revision} onClose={() => setDeciding(undefined)} />
      )}
      {deciding === 'withdraw' && (
        <WithdrawDialog revision={revision.revision} onClose={() => setDeciding(undefined)} />
      )}
    </section>
  );
}
