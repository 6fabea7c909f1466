'use client';

import type { IncidentDetail } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { refreshIncidents } from './refresh.ts';

interface CloseDialogProps {
  incident: IncidentDetail;
  status: 'resolved' | 'false-positive';
  onClose: () => void;
}

const TEXTS = {
  resolved: {
    title: 'Resolve this incident',
    description: 'If the same data is sent again, a new incident opens.',
    placeholder: 'Key rotated, owner told',
    button: 'Resolve',
  },
  'false-positive': {
    title: 'Mark as false positive',
    description:
      'The same data of this AI agent to this host only counts on, without another incident. Policies stay as they are.',
    placeholder: 'An example key from the documentation',
    button: 'Mark',
  },
};

export function CloseDialog({ incident, status, onClose }: CloseDialogProps) {
  const client = useQueryClient();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const decide = useMutation({
    mutationFn: () => api.decideIncident(incident.id, { status, note: answers.reason }),
    onSuccess: () => {
      refreshIncidents(client);
      onClose();
    },
  });
  const missing = missingAnswer(answers, undefined);
  const text = TEXTS[status];
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={text.title}
      description={text.description}
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={missing !== undefined || decide.isPending}
            onClick={() => decide.mutate()}
          >
            {text.button}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <WideFields answers={answers} onChange={setAnswers} reasonPlaceholder={text.placeholder} />
        <InlineError error={decide.error} />
      </div>
    </Dialog>
  );
}
