'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Undo2 } from 'lucide-react';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';

/** Back to what everybody else runs. Only devices of the stage notice, so a reason is enough. */
export function WithdrawDialog({ revision, onClose }: { revision: number; onClose: () => void }) {
  const client = useQueryClient();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const withdraw = useMutation({
    mutationFn: () => api.withdrawStage({ revision, reason: answers.reason }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['policies'] });
      onClose();
    },
  });
  const missing = missingAnswer(answers, undefined);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Withdraw revision ${revision}`}
      description="Devices that have it go back to the documents that all others run, under a new revision number."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={missing !== undefined || withdraw.isPending}
            onClick={() => withdraw.mutate()}
          >
            <Undo2 /> Withdraw it
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder="The build servers cannot fetch packages"
        />
        <InlineError error={withdraw.error} />
      </div>
    </Dialog>
  );
}
