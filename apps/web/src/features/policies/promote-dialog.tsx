'use client';

import { useQueryClient } from '@tanstack/react-query';
import { Rocket } from 'lucide-react';
import { useState } from 'react';
import { BlastRadiusView } from '@/components/wide/blast-radius.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { DEFAULT_STAGE, toStage } from './stage-answers.ts';
import { StageFields } from './stage-fields.tsx';

/** From some devices to more, or to all. */
export function PromoteDialog({ revision, onClose }: { revision: number; onClose: () => void }) {
  const me = useMe();
  const client = useQueryClient();
  const [stageAnswers, setStageAnswers] = useState(DEFAULT_STAGE);
  const stage = toStage(stageAnswers);
  const staged = stage === undefined || stage === null ? {} : { stage };
  return (
    <ReasonDialog
      title={`Promote revision ${revision}`}
      description="Its documents are deployed again under a new revision number."
      reasonPlaceholder="No refusals and no complaints in two days"
      confirmName={me.organisation.name}
      missing={stage === null ? 'Say who gets it next.' : undefined}
      button={
        <>
          <Rocket /> {stage === undefined ? 'Promote to all devices' : 'Promote to these devices'}
        </>
      }
      act={async (answers) => {
        await api.promoteStage({ revision, ...answers, ...staged });
        await client.invalidateQueries({ queryKey: ['policies'] });
      }}
      onClose={onClose}
    >
      <StageFields answers={stageAnswers} onChange={setStageAnswers} />
      <BlastRadiusView query={{ action: 'deploy', ...staged }} />
    </ReasonDialog>
  );
}
