'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Rocket } from 'lucide-react';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { BlastRadiusView } from '@/components/wide/blast-radius.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { DEFAULT_STAGE, toStage } from './stage-answers.ts';
import { StageFields } from './stage-fields.tsx';

/** From some devices to more, or to all. */
export function PromoteDialog({ revision, onClose }: { revision: number; onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const [stageAnswers, setStageAnswers] = useState(DEFAULT_STAGE);
  const stage = toStage(stageAnswers);
  const promote = useMutation({
    mutationFn: () =>
      api.promoteStage({ revision, ...answers, ...(stage === undefined || stage === null ? {} : { stage }) }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['policies'] });
      onClose();
    },
  });
  const missing = stage === null ? 'Say who gets it next.' : missingAnswer(answers, me.organisation.name);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Promote revision ${revision}`}
      description="Its documents are deployed again under a new revision number."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={missing !== undefined || promote.isPending}
            onClick={() => promote.mutate()}
          >
            <Rocket /> {stage === undefined ? 'Promote to all devices' : 'Promote to these devices'}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <StageFields answers={stageAnswers} onChange={setStageAnswers} />
        <BlastRadiusView
          query={stage === undefined || stage === null ? { action: 'deploy' } : { action: 'deploy', stage }}
        />
        <WideFields
          answers={answers}
          onChange={setAnswers}
          confirmName={me.organisation.name}
          reasonPlaceholder="No refusals and no complaints in two days"
        />
        <InlineError error={promote.error} />
      </div>
    </Dialog>
  );
}
