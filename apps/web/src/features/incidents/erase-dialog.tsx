'use client';

import type { IncidentDetail } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { plural } from '@/lib/format/format.ts';
import { refreshIncidents } from './refresh.ts';

/** Erases masked samples before their time. */
export function EraseDialog({ incident, onClose }: { incident: IncidentDetail; onClose: () => void }) {
  const client = useQueryClient();
  const toast = useToast();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const erase = useMutation({
    mutationFn: () => api.eraseSamples(incident.id, { reason: answers.reason }),
    onSuccess: ({ erased }) => {
      toast.done(`The samples of ${plural(erased, 'entry', 'entries')} are erased`);
      refreshIncidents(client);
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
      title="Erase the masked samples"
      description="They cannot be brought back. The ledger entries, their hashes and proofs stay as they are."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Keep them</Button>
          <Button
            variant="danger"
            disabled={missing !== undefined || erase.isPending}
            onClick={() => erase.mutate()}
          >
            Erase
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder="Asked for by the person concerned"
        />
        <InlineError error={erase.error} />
      </div>
    </Dialog>
  );
}
