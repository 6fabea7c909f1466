'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useToast } from '@/components/ui/toast.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
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
  return (
    <ReasonDialog
      title="Change who may join"
      description="From the next enrolment on, for the whole organisation."
      reasonPlaceholder="Only machines with a TPM from now on, board decision 17"
      button="Save rules"
      act={({ reason }) => api.updateIdentitySettings({ admission: after, reason })}
      onDone={(settings) => {
        toast.done('The rules are saved', 'They hold for every enrolment from now on.');
        client.setQueryData(keys.identitySettings, settings);
      }}
      onClose={onClose}
    >
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
    </ReasonDialog>
  );
}
