'use client';

import { MAX_RETENTION_DAYS } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { refreshIncidents } from './refresh.ts';

/** How long masked samples are kept. */
export function RetentionDialog({ days, onClose }: { days: number; onClose: () => void }) {
  const client = useQueryClient();
  const [text, setText] = useState(String(days));
  const wanted = Number(text);
  const isValid = Number.isInteger(wanted) && wanted >= 1 && wanted <= MAX_RETENTION_DAYS;
  return (
    <ReasonDialog
      title="How long samples are kept"
      description="Also concerns those that are there: what is older then is erased within 15 minutes."
      reasonPlaceholder="Our retention policy"
      missing={isValid ? undefined : `1 to ${MAX_RETENTION_DAYS} days.`}
      button="Save"
      act={({ reason }) => api.updateRetention({ days: wanted, reason })}
      onDone={() => {
        void client.invalidateQueries({ queryKey: keys.retention });
        refreshIncidents(client);
      }}
      onClose={onClose}
    >
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
    </ReasonDialog>
  );
}
