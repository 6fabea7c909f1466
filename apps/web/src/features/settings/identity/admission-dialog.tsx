'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { type Admission, describeAdmissionChange } from './admission-rules.ts';

interface AdmissionDialogProps {
  before: Admission;
  after: Admission;
  onClose: () => void;
}

/** What the new rules bring about, and why they are wanted. */
export function AdmissionDialog({ before, after, onClose }: AdmissionDialogProps) {
  const client = useQueryClient();
  const toast = useToast();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const save = useMutation({
    mutationFn: () => api.updateIdentitySettings({ admission: after, reason: answers.reason }),
    onSuccess: (settings) => {
      toast.done('The rules are saved', 'They hold for every enrolment from now on.');
      onClose();
      client.setQueryData(keys.identitySettings, settings);
    },
  });
  const missing = missingAnswer(answers, undefined);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Change who may join"
      description="From the next enrolment on, for the whole organisation."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={missing !== undefined || save.isPending}
            onClick={() => save.mutate()}
          >
            Save rules
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <section aria-label="What changes" className="rounded-lg border bg-canvas px-3 py-2.5">
          <ul className="grid gap-1">
            {describeAdmissionChange(before, after).map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
          <p className="mt-2 border-t pt-2 text-xs text-ink-2">
            No device that is enrolled now is disconnected, and devices that wait go on waiting.
          </p>
        </section>
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder="Only machines with a TPM from now on, board decision 17"
        />
        <InlineError error={save.error} />
      </div>
    </Dialog>
  );
}
