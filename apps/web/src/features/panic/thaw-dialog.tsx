'use client';

import type { Freeze } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Sun } from 'lucide-react';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { RolloutProgress } from '@/components/wide/rollout-progress.tsx';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';

export function ThawDialog({ freeze, onClose }: { freeze: Freeze; onClose: () => void }) {
  const client = useQueryClient();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const thaw = useMutation({ mutationFn: () => api.thawFreeze(freeze.id, { reason: answers.reason }) });
  const missing = missingAnswer(answers, undefined);
  const done = thaw.data;
  const close = (): void => {
    // Only now: the freeze leaves the list behind this dialog, and the dialog lives in its row.
    if (done !== undefined) void client.invalidateQueries({ queryKey: keys.freezes });
    onClose();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) close();
      }}
      width={done === undefined ? 'md' : 'lg'}
      title={done === undefined ? `Thaw ${freeze.describes}` : `Thawing ${freeze.describes}`}
      description="Suspended processes go on where they stopped, unless another freeze still holds them."
      footer={
        done !== undefined ? (
          <Button onClick={close}>Close</Button>
        ) : (
          <>
            {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
            <Button onClick={close}>Keep frozen</Button>
            <Button
              variant="primary"
              disabled={missing !== undefined || thaw.isPending}
              onClick={() => thaw.mutate()}
            >
              <Sun /> Thaw
            </Button>
          </>
        )
      }
    >
      {done !== undefined ? (
        <RolloutProgress initial={done.rollout} />
      ) : (
        <div className="grid gap-4">
          <WideFields
            answers={answers}
            onChange={setAnswers}
            reasonPlaceholder="Patched release rolled out, incident 42 closed"
          />
          <InlineError error={thaw.error} />
        </div>
      )}
    </Dialog>
  );
}
