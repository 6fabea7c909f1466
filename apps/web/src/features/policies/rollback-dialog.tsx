'use client';

import type { PolicyRevision } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { History } from 'lucide-react';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { BlastRadiusView } from '@/components/wide/blast-radius.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { RolloutProgress } from '@/components/wide/rollout-progress.tsx';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { useMe } from '@/lib/me/me-provider.tsx';

/** An older revision's documents, deployed again as a new revision. */
export function RollbackDialog({ revision, onClose }: { revision: PolicyRevision; onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const rollback = useMutation({
    mutationFn: () =>
      api.rollbackPolicy({ revision: revision.revision, reason: answers.reason, confirm: answers.confirm }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['policies'] }),
  });
  const missing = missingAnswer(answers, me.organisation.name);
  const done = rollback.data;
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      width={done === undefined ? 'md' : 'lg'}
      title={done?.title ?? `Roll back to revision ${revision.revision}`}
      description="The documents of that revision are deployed again under a new revision number."
      footer={
        done !== undefined ? (
          <Button onClick={onClose}>Close</Button>
        ) : (
          <>
            {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
            <Button onClick={onClose}>Cancel</Button>
            <Button
              variant="primary"
              disabled={missing !== undefined || rollback.isPending}
              onClick={() => rollback.mutate()}
            >
              <History /> Roll back all devices
            </Button>
          </>
        )
      }
    >
      {done !== undefined ? (
        <RolloutProgress initial={done} />
      ) : (
        <div className="grid gap-4">
          <BlastRadiusView query={{ action: 'deploy' }} />
          <WideFields
            answers={answers}
            onChange={setAnswers}
            confirmName={me.organisation.name}
            reasonPlaceholder="Revision 12 blocks the build servers"
          />
          <InlineError error={rollback.error} />
        </div>
      )}
    </Dialog>
  );
}
