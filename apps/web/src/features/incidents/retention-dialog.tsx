'use client';

import { MAX_RETENTION_DAYS } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { refreshIncidents } from './refresh.ts';

/** How long masked samples are kept. */
export function RetentionDialog({ days, onClose }: { days: number; onClose: () => void }) {
  const client = useQueryClient();
  const [text, setText] = useState(String(days));
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const wanted = Number(text);
  const isValid = Number.isInteger(wanted) && wanted >= 1 && wanted <= MAX_RETENTION_DAYS;
  const update = useMutation({
    mutationFn: () => api.updateRetention({ days: wanted, reason: answers.reason }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.retention });
      refreshIncidents(client);
      onClose();
    },
  });
  const missing = isValid ? missingAnswer(answers, undefined) : `1 to ${MAX_RETENTION_DAYS} days.`;
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="How long samples are kept"
      description="Also concerns those that are there: what is older then is erased within 15 minutes."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={missing !== undefined || update.isPending}
            onClick={() => update.mutate()}
          >
            Save
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <Field label="Days" hint="Of masked samples. Incidents, counts and ledger entries are not erased.">
          {(control) => (
            <Input
              {...control}
              inputMode="numeric"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
        <WideFields answers={answers} onChange={setAnswers} reasonPlaceholder="Our retention policy" />
        <InlineError error={update.error} />
      </div>
    </Dialog>
  );
}
